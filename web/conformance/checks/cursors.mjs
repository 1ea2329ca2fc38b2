// Cursors of an inbox: each continues exactly where it stands, and one that cannot says so.
import { errorsOf, Socket } from '../lib/socket.mjs';
import { EventStream } from '../lib/events.mjs';
import { INBOX_CHANGED, MARK_READ } from '../lib/target.mjs';
import { QUIET, same, sleep, until } from '../lib/wait.mjs';

const RECEIVED = 'subscription ($after: Cursor) { notificationReceived(after: $after) { cursor notification { title } } }';
const ARCHIVE = (verb) => /* GraphQL */ `
  mutation ($ids: [ID!]!) { ${verb}Notifications(input: { ids: $ids }) { inbox { unreadCount } userErrors { code } } }`;
const MARK_ALL_READ = /* GraphQL */ `
  mutation ($upTo: Cursor!) { markAllNotificationsRead(input: { upTo: $upTo }) { inbox { unreadCount } userErrors { code field } } }`;

export async function cursors({ check, target }) {
  await check('every cursor of a stream', 'exactly what came after it', async () => {
    const { cursor } = await target.inbox();
    const socket = await Socket.ready(target);
    socket.follow('s', cursor);
    const batch = await target.publish(5);
    await socket.announced('s', batch);
    const places = [cursor, ...socket.changes('s').map((change) => change.cursor)];
    for (const [n, place] of places.entries()) socket.follow(`after-${n}`, place);
    const [witness] = await target.publish(1);
    const seen = [];
    for (const n of places.keys()) {
      await socket.announced(`after-${n}`, [witness]);
      seen.push(await socket.announced(`after-${n}`, [...batch, witness], 0));
    }
    socket.leave();
    return [places.length === 6 && seen.every((names, n) => same(names, [...batch.slice(n), witness])), seen.map((names) => names.length)];
  });

  const { cursor: own } = await target.inbox();
  const { viewer } = await target.data('{ viewer { inbox { cursor } } }', {}, target.publisher);
  const useless = {
    'of another person': viewer.inbox.cursor,
    'that was cut': own.slice(0, 20),
    'that was prolonged': `${own}AA`,
    'with one character changed': own.slice(0, 10) + (own[10] === 'A' ? 'B' : 'A') + own.slice(11),
    'of no characters': '',
    'of 10,000 characters': 'A'.repeat(10_000),
  };
  for (const [what, after] of Object.entries(useless)) {
    await check(`a cursor ${what}`, 'InboxReset UNKNOWN_CURSOR with the inbox as it is, then what comes', async () => {
      const socket = await Socket.ready(target);
      socket.follow('s', after);
      await until(() => socket.of('s').length || socket.closed);
      const now = await target.inbox();
      const batch = await target.publish(1);
      const names = await socket.announced('s', batch);
      socket.leave();
      const [reset, ...rest] = socket.changes('s');
      const whole = reset?.reason === 'UNKNOWN_CURSOR' && reset.cursor === now.cursor && reset.unreadCount === now.unreadCount;
      return [whole && rest.length === 1 && same(names, batch), reset ?? socket.brief()];
    });
    await check(`notificationReceived with a cursor ${what}`, 'CURSOR_UNUSABLE that says where to go on', async () => {
      const socket = await Socket.ready(target);
      socket.subscribe('s', { query: RECEIVED, variables: { after } });
      await socket.whole('s');
      const error = errorsOf(socket.of('s')[0])?.[0];
      const now = await target.inbox();
      socket.leave();
      const { code, cursor, reason } = error?.extensions ?? {};
      return [code === 'CURSOR_UNUSABLE' && cursor === now.cursor && reason === 'UNKNOWN_CURSOR', error ?? socket.brief()];
    });
    await check(`markAllNotificationsRead with a cursor ${what}`, 'INVALID_CURSOR, and nothing is read', async () => {
      const before = await target.inbox();
      const { markAllNotificationsRead: got } = await target.data(MARK_ALL_READ, { upTo: after });
      const now = await target.inbox();
      return [got.userErrors[0]?.code === 'INVALID_CURSOR' && same(before, now), { got, before, now }];
    });
  }
}

// A change by one device, heard by the others on both kinds of stream.
export async function devices({ check, target }) {
  const open = async () => {
    const socket = await Socket.ready(target);
    socket.follow('s');
    const events = await EventStream.open(target.getUrl({ query: INBOX_CHANGED }), { headers: target.bearer() });
    const all = () => [socket.changes('s'), events.results.map(({ data }) => data?.inboxChanged)];
    const wait = (n) => until(() => all().every((changes) => changes.length > n));
    await wait(0); // both are live: what is replayed has the count of the end
    const leave = () => { socket.leave(); events.close(); };
    return { leave, wait, changes: () => all().map((changes) => changes.slice(1)) };
  };
  const verbs = {
    markNotificationsRead: [MARK_READ, -1],
    markNotificationsUnread: [MARK_READ.replaceAll('markNotificationsRead', 'markNotificationsUnread'), 1],
    archiveNotifications: [ARCHIVE('archive'), -1],
    unarchiveNotifications: [ARCHIVE('unarchive'), 1],
  };
  const [name] = await target.publish(1);
  const { viewer } = await target.data('{ viewer { inbox { notifications(first: 1) { nodes { id title } } } } }');
  const [{ id, title }] = viewer.inbox.notifications.nodes;
  for (const [verb, [mutation, by]] of Object.entries(verbs)) {
    await check(`${verb} elsewhere`, 'one NotificationsUpdated on WebSocket and event stream, the same, with the right count; none when it changes nothing', async () => {
      const { unreadCount: before } = await target.inbox();
      const device = await open();
      for (let again = 0; again < 2; again++) await target.data(mutation, { ids: [id] });
      await device.wait(1); // a change that is told late has the count of that moment
      const [last] = await target.publish(1); // what comes next proves that nothing else came
      await device.wait(2);
      await sleep(QUIET);
      const [socket, events] = device.changes();
      const now = await target.inbox();
      device.leave();
      const [update, arrival] = socket;
      const right = title.includes(name) && update?.__typename === 'NotificationsUpdated' && update.notifications[0].id === id
        && update.unreadCount === before + by && arrival?.notification?.title.includes(last) && now.unreadCount === before + by + 1;
      return [right && socket.length === 2 && same(socket, events), { before, socket, events: events.length }];
    });
  }
}
