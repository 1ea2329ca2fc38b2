/** Where queries and mutations go. */
export const httpEndpoint = '/graphql';

/** Where subscriptions go: the same address, as a WebSocket. */
export function socketEndpoint(): string {
  return `${location.origin.replace(/^http/, 'ws')}/graphql`;
}
