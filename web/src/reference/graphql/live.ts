import { createClient, type Client } from 'graphql-ws';
import { socketEndpoint } from '../../shared/endpoint';
import { documentOf } from './documents';

export type LiveStatus = 'connecting' | 'live' | 'offline';

/** The close code of a session that is missing, expired or revoked. */
const sessionRefused = 4403;

export interface LiveOptions {
  onStatus: (status: LiveStatus) => void;
  onSessionRefused: () => void;
}

/** Opens the one socket of the page. It reconnects for as long as the page is open; dispose it when it is not needed. */
export function openLive({ onStatus, onSessionRefused }: LiveOptions): Client {
  // A connection that died without a word looks open for minutes: a ping left unanswered ends it.
  let unanswered: number | undefined;
  const client = createClient({
    url: socketEndpoint(),
    retryAttempts: Infinity,
    shouldRetry: () => true,
    // Quick at first, then at most every 15 s; the spread keeps a restarted server from all tabs at once.
    retryWait: (retries) => wait(Math.min(500 * 2 ** retries, 15_000) * (0.5 + Math.random())),
    keepAlive: 15_000,
    on: {
      connecting: () => onStatus('connecting'),
      connected: () => onStatus('live'),
      ping: (received) => {
        if (!received) unanswered = window.setTimeout(() => client.terminate(), 5_000);
      },
      pong: (received) => {
        if (received) window.clearTimeout(unanswered);
      },
      closed: (event) => {
        window.clearTimeout(unanswered);
        onStatus('offline');
        if ((event as CloseEvent).code === sessionRefused) onSessionRefused();
      },
    },
  });
  return client;
}

/**
 * Keeps one subscription going until the returned function is called. The client repeats it by itself on every new
 * connection; what ends it (an error of the operation, a close code that the client takes as final) is tried again
 * here, less and less often. `variables` is asked each time, so that a subscription can go on from its last cursor.
 */
export function follow<Data>(
  client: Client,
  operation: string,
  variables: () => Record<string, unknown>,
  onData: (data: Data) => void,
): () => void {
  let stopped = false;
  let failures = 0;
  let timer: number | undefined;
  let unsubscribe = () => {};
  const again = () => {
    if (stopped) return;
    failures += 1;
    timer = window.setTimeout(start, Math.min(1000 * 2 ** failures, 60_000));
  };
  const start = () => {
    const payload = {
      query: documentOf(operation),
      operationName: operation,
      // Read by JSON.stringify whenever the client sends the subscription, also after it reconnected by itself.
      get variables() {
        return variables();
      },
    };
    unsubscribe = client.subscribe<Data>(payload, {
      next: ({ data }) => {
        failures = 0;
        if (data) onData(data);
      },
      error: again,
      complete: again,
    });
  };
  start();
  return () => {
    stopped = true;
    window.clearTimeout(timer);
    unsubscribe();
  };
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
