// The API as a test uses it beside the page: to prepare, and to prove that what the page shows is true.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { origin } from './browser.mjs';

export async function graphql(user, query, variables = {}) {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${user.token}` },
    body: JSON.stringify({ query, variables }),
  });
  const answer = await response.json();
  assert.equal(answer.errors, undefined, JSON.stringify(answer.errors));
  return answer.data;
}

/** Publishes a won deal to `recipient`, on behalf of `publisher`, who needs the scope events:write. */
export async function publishDealWon(publisher, recipient, dealTitle) {
  const { publishEvent } = await graphql(
    publisher,
    `mutation ($input: PublishEventInput!) { publishEvent(input: $input) { notified userErrors { code message } } }`,
    {
      input: {
        type: 'deal.won',
        idempotencyKey: `e2e-${randomUUID()}`,
        actor: { id: 'u_e2e', name: 'Erin Two' },
        recipientIds: [recipient.id],
        data: { dealId: 'd_e2e', dealTitle },
      },
    },
  );
  assert.deepEqual(publishEvent.userErrors, []);
  assert.equal(publishEvent.notified, 1);
}

/** Puts a person back to the beginning: nothing connected, every setting at its default. */
export async function resetPerson(user) {
  await graphql(user, 'mutation { disconnectCliq { userErrors { code } } }');
  await graphql(
    user,
    'mutation { resetNotificationPreferences(input: {}) { userErrors { code } } }',
  );
  for (const channel of ['EMAIL', 'CLIQ']) {
    await graphql(
      user,
      'mutation ($input: SetChannelEnabledInput!) { setChannelEnabled(input: $input) { userErrors { code } } }',
      { input: { channel, enabled: true } },
    );
  }
}

/** Two people of one workspace: one who may publish events, and one to receive them. */
export function pair(users) {
  const publisher = users.find((user) => user.scopes.includes('events:write'));
  assert.ok(publisher, 'no demo user has the scope events:write');
  const recipient = users.find((user) => user.workspace === publisher.workspace && user.id !== publisher.id);
  assert.ok(recipient, 'the publisher is alone in their workspace');
  return { publisher, recipient };
}
