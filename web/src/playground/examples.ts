import type { DevUser } from '../shared/users';
import connect from './examples/connect.graphql?raw';
import inbox from './examples/inbox.graphql?raw';
import preferences from './examples/preferences.graphql?raw';
import publish from './examples/publish.graphql?raw';
import subscription from './examples/subscription.graphql?raw';
import viewer from './examples/viewer.graphql?raw';

/** What a first visit opens: one tab for each thing people come to try. */
export function exampleTabs(users: DevUser[], actingAs: DevUser | undefined) {
  const recipient = actingAs ?? users[0];
  const actor = users.find((user) => user.workspace === recipient?.workspace && user.id !== recipient?.id);
  return [
    tab(viewer),
    tab(inbox, { first: 10, filter: { archived: false } }),
    tab(connect, {
      input: { region: 'US', bot: 'heffl-notifications', returnTo: `${location.origin}/` },
    }),
    tab(preferences, {
      input: { changes: [{ eventType: 'deal.won', channel: 'EMAIL', enabled: false }] },
    }),
    tab(publish, {
      input: {
        type: 'deal.won',
        // A new key on every first visit: a fixed one would be answered as a duplicate from the second visitor on.
        idempotencyKey: `playground-${crypto.randomUUID()}`,
        actor: { id: actor?.id ?? 'u_someone', name: actor?.name ?? 'Someone Else' },
        recipientIds: [recipient?.id ?? 'u_ada'],
        data: { dealId: 'd_1042', dealTitle: 'Website relaunch', clientName: 'Globex', amount: '12500.00', currency: 'USD' },
      },
    }),
    tab(subscription, { after: null }),
  ];
}

function tab(query: string, variables?: unknown) {
  return { query, variables: variables ? JSON.stringify(variables, null, 2) : '', headers: '' };
}
