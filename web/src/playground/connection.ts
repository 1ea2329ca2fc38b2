import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { createClient } from 'graphql-ws';
import { httpEndpoint, socketEndpoint } from '../shared/endpoint';

/** One identity's way to the server: requests by POST, subscriptions by WebSocket, both with the same token. */
export interface Connection {
  fetcher: Fetcher;
  close: () => void;
}

/** Without a token nothing is sent but the browser's session cookie. */
export function openConnection(token: string | undefined): Connection {
  const authorization = token ? `Bearer ${token}` : undefined;
  const socket = createClient({
    url: socketEndpoint(),
    connectionParams: authorization ? { authorization } : {},
    // The socket opens with the first subscription: a page that only queries holds none.
    lazy: true,
    keepAlive: 20_000,
  });
  const fetcher = createGraphiQLFetcher({
    url: httpEndpoint,
    wsClient: socket,
    // What stands in GraphiQL's own header editor comes after this and wins.
    headers: authorization ? { authorization } : {},
    enableIncrementalDelivery: false,
  });
  return { fetcher, close: () => void socket.dispose() };
}
