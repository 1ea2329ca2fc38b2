import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { transformWithOxc } from 'vite';

const { initialInbox, reduceInbox } = await load('../src/reference/inbox/state.ts');

describe('inbox state', () => {
  test('a new notification comes on top, moves the cursor and the count, and is marked as arrived', () => {
    const state = received(start([row(1), row(2)]), row(3), 'c3', 3);
    assert.deepEqual(ids(state), ['n3', 'n2', 'n1']);
    assert.equal(state.cursor, 'c3');
    assert.equal(state.unreadCount, 3);
    assert.ok(state.arrived.has('n3'));
  });

  test('the same notification twice is one row', () => {
    const state = received(received(start([row(1)]), row(2), 'c2', 2), row(2), 'c2', 2);
    assert.deepEqual(ids(state), ['n2', 'n1']);
  });

  test('of two with the same time the later one stands above', () => {
    const at = row(5).createdAt;
    let state = start([{ ...row(1), createdAt: at }]);
    state = received(state, { ...row(2), createdAt: at }, 'c2', 2);
    assert.deepEqual(ids(state), ['n2', 'n1']);
  });

  test('an archived one leaves, and comes back to its place', () => {
    const all = start([row(1), row(2), row(3)]);
    const without = updated(all, [{ ...row(2), archivedAt: time(9) }]);
    assert.deepEqual(ids(without), ['n3', 'n1']);
    assert.deepEqual(ids(updated(without, [row(2)])), ['n3', 'n2', 'n1']);
  });

  test('an old one beyond the loaded part does not jump into it', () => {
    const state = updated(start([row(5), row(6)], { hasNextPage: true }), [row(1)]);
    assert.deepEqual(ids(state), ['n6', 'n5']);
  });

  test('in the unread list a row that was read stays where it is, and one read elsewhere does not come in', () => {
    let state = fetched(start([]), 'unread', [row(1), row(2)]);
    state = updated(state, [read(row(2)), read(row(3))]);
    assert.deepEqual(ids(state), ['n2', 'n1']);
    assert.ok(state.items[0].readAt);
  });

  test('all read, with nothing unread left, reads every row; with something left the server is asked', () => {
    const before = start([row(1), row(2)]);
    const allRead = { __typename: 'AllNotificationsRead', cursor: 'c9', readAt: time(9) };
    const none = change(before, { ...allRead, unreadCount: 0 });
    assert.ok(none.items.every((item) => item.readAt));
    assert.equal(none.reloads, before.reloads);
    const some = change(before, { ...allRead, unreadCount: 1 });
    assert.equal(some.reloads, before.reloads + 1);
  });

  test('a reset asks the server and goes on from its cursor', () => {
    const state = change(start([row(1)]), { __typename: 'InboxReset', cursor: 'c7', unreadCount: 4, reason: 'TOO_FAR_BEHIND' });
    assert.equal(state.reloads, 1);
    assert.equal(state.cursor, 'c7');
  });

  test('a kind of change that is unknown still moves the cursor', () => {
    assert.equal(change(start([]), { __typename: 'SomethingNew', cursor: 'c2', unreadCount: 0 }).cursor, 'c2');
  });

  test('what the stream brings while a list is fetched is not lost', () => {
    let state = reduceInbox(start([row(1)]), { kind: 'fetching', id: 1 });
    state = received(state, row(2), 'c2', 2);
    // The answer was made before the notification came.
    state = reduceInbox(state, { kind: 'fetched', id: 1, filter: 'all', top: top([row(1)], { cursor: 'c1', unreadCount: 1 }) });
    assert.deepEqual(ids(state), ['n2', 'n1']);
    assert.equal(state.cursor, 'c2');
    assert.equal(state.unreadCount, 2);
    assert.equal(state.fetching, null);
  });

  test('only the list asked for last is shown', () => {
    let state = reduceInbox(start([row(1)]), { kind: 'fetching', id: 1 });
    state = reduceInbox(state, { kind: 'fetching', id: 2 });
    state = reduceInbox(state, { kind: 'fetched', id: 2, filter: 'unread', top: top([row(2)]) });
    state = reduceInbox(state, { kind: 'fetched', id: 1, filter: 'all', top: top([row(1)]) });
    assert.deepEqual(ids(state), ['n2']);
    assert.equal(state.filter, 'unread');
  });

  test('older rows are added once, and only to the list they belong to', () => {
    const page = (rows) => top(rows).notifications;
    let state = start([row(2), row(3)], { hasNextPage: true, endCursor: 'e2' });
    state = reduceInbox(state, { kind: 'extended', after: 'e2', page: page([row(1), row(2)]) });
    assert.deepEqual(ids(state), ['n3', 'n2', 'n1']);
    state = reduceInbox(state, { kind: 'extended', after: 'of another list', page: page([row(0)]) });
    assert.deepEqual(ids(state), ['n3', 'n2', 'n1']);
  });
});

function time(n) {
  return new Date(Date.UTC(2026, 10, 22, 10, n)).toISOString();
}

function row(n) {
  return { id: `n${n}`, title: `Row ${n}`, createdAt: time(n), readAt: null, archivedAt: null };
}

function read(item) {
  return { ...item, readAt: time(59) };
}

function top(rows, { cursor = 'c0', unreadCount = rows.length, hasNextPage = false, endCursor = null } = {}) {
  const nodes = [...rows].sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  return { id: 'inbox', cursor, unreadCount, notifications: { nodes, pageInfo: { hasNextPage, endCursor } } };
}

function start(rows, options) {
  return initialInbox(top(rows, options));
}

function fetched(state, filter, rows) {
  return reduceInbox(reduceInbox(state, { kind: 'fetching', id: 1 }), { kind: 'fetched', id: 1, filter, top: top(rows) });
}

function change(state, value) {
  return reduceInbox(state, { kind: 'changed', change: value });
}

function received(state, notification, cursor, unreadCount) {
  return change(state, { __typename: 'NotificationReceived', notification, cursor, unreadCount });
}

function updated(state, notifications) {
  return change(state, { __typename: 'NotificationsUpdated', notifications, cursor: 'c8', unreadCount: 0 });
}

function ids(state) {
  return state.items.map((item) => item.id);
}

/** Loads a module that imports nothing at run time, without its types. */
async function load(path) {
  const url = new URL(path, import.meta.url);
  const { code } = await transformWithOxc(readFileSync(url, 'utf8'), url.pathname);
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
}
