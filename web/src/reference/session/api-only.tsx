import { Brand } from '../ui/brand';

/** What a production server says at its address: this is for programs, and the documentation is over there. */
export function ApiOnly() {
  return (
    <main className="door">
      <Brand />
      <h1>This is the notification API of Heffl.</h1>
      <p className="lead">
        There is nothing to sign in to here. To read your notifications or change what reaches you, open Heffl itself.
      </p>
      <section aria-labelledby="for-developers">
        <h2 id="for-developers">For developers</h2>
        <dl className="facts">
          <dt>Endpoint</dt>
          <dd>
            <code>{location.origin}/graphql</code>
          </dd>
          <dt>Subscriptions</dt>
          <dd>
            the same address, by WebSocket (<code>graphql-transport-ws</code>) or server-sent events
          </dd>
          <dt>Authorization</dt>
          <dd>
            <code>Bearer</code> token issued by Heffl
          </dd>
          <dt>Documentation</dt>
          <dd>
            <code>README.md</code>, <code>docs/</code> and <code>schema.graphqls</code> in{' '}
            <a href="https://github.com/heffl/bff">github.com/heffl/bff</a>
          </dd>
          <dt>Try it</dt>
          <dd>
            the <a href="/playground/">playground</a>, with a token of your own
          </dd>
        </dl>
      </section>
    </main>
  );
}
