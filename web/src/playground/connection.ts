import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { getOperationAST, parse } from 'graphql';
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
  const send = createGraphiQLFetcher({
    url: httpEndpoint,
    wsClient: socket,
    // What stands in GraphiQL's own header editor comes after this and wins.
    headers: authorization ? { authorization } : {},
    enableIncrementalDelivery: false,
  });
  return { fetcher: (params, options) => send(...fresh(params, options)), close: () => void socket.dispose() };
}

type FetcherParameters = Parameters<Fetcher>;

/**
 * GraphiQL reads the editor a moment after it changed and hands over what it knew before: an operation run right after
 * its tab was opened would be sent under the last one's name, and a subscription by POST. So it is read again here.
 */
function fresh(params: FetcherParameters[0], options: FetcherParameters[1]): [FetcherParameters[0], NonNullable<FetcherParameters[1]>] {
  try {
    const documentAST = parse(params.query);
    const named = getOperationAST(documentAST, params.operationName);
    const only = getOperationAST(documentAST);
    const operationName = (named ?? only)?.name?.value ?? null;
    return [{ ...params, operationName }, { ...options, documentAST }];
  } catch {
    // What cannot be parsed is the server's to explain.
    return [params, options ?? {}];
  }
}
