import type { InboxChange, InboxTop, Notification, NotificationPage } from '../graphql/types';

export type Filter = 'all' | 'unread';

/** What the page knows of the inbox: the loaded part of one list, newest first, and where the stream stands. */
export interface InboxState {
  filter: Filter;
  cursor: string;
  unreadCount: number;
  items: Notification[];
  endCursor: string | null;
  hasMore: boolean;
  /** Ids that arrived while the page was open: they are shown as new for a moment. */
  arrived: ReadonlySet<string>;
  /** Counts up when only the server knows what the list looks like now. */
  reloads: number;
  /** The list being fetched. What the stream brings meanwhile is kept: the answer may have been made before it. */
  fetching: { id: number; changes: InboxChange[] } | null;
}

export type InboxAction =
  | { kind: 'fetching'; id: number }
  | { kind: 'fetched'; id: number; filter: Filter; top: InboxTop }
  | { kind: 'extended'; after: string; page: NotificationPage }
  | { kind: 'changed'; change: InboxChange }
  | { kind: 'touched'; notifications: Notification[]; unreadCount?: number };

export function initialInbox(top: InboxTop): InboxState {
  return {
    filter: 'all',
    cursor: top.cursor,
    unreadCount: top.unreadCount,
    ...listOf(top.notifications),
    arrived: new Set(),
    reloads: 0,
    fetching: null,
  };
}

export function reduceInbox(state: InboxState, action: InboxAction): InboxState {
  switch (action.kind) {
    case 'fetching':
      return { ...state, fetching: { id: action.id, changes: [] } };
    case 'fetched': {
      // Only the last list asked for counts.
      if (state.fetching?.id !== action.id) return state;
      const list: InboxState = {
        ...state,
        filter: action.filter,
        cursor: action.top.cursor,
        unreadCount: action.top.unreadCount,
        ...listOf(action.top.notifications),
        fetching: null,
      };
      return state.fetching.changes.reduce(reduceChange, list);
    }
    case 'extended': {
      if (action.after !== state.endCursor) return state;
      const known = new Set(state.items.map((item) => item.id));
      const more = action.page.nodes.filter((item) => !known.has(item.id));
      const { endCursor, hasMore } = listOf(action.page);
      return { ...state, items: [...state.items, ...more], endCursor, hasMore };
    }
    case 'changed':
      return reduceChange(state, action.change);
    case 'touched':
      return {
        ...state,
        unreadCount: action.unreadCount ?? state.unreadCount,
        items: merge(state, action.notifications),
      };
  }
}

function reduceChange(state: InboxState, change: InboxChange): InboxState {
  const fetching = state.fetching && { ...state.fetching, changes: [...state.fetching.changes, change] };
  const next = { ...state, cursor: change.cursor, unreadCount: change.unreadCount, fetching };
  switch (change.__typename) {
    case 'NotificationReceived':
      return {
        ...next,
        items: merge(state, [change.notification]),
        arrived: new Set(state.arrived).add(change.notification.id),
      };
    case 'NotificationsUpdated':
      return { ...next, items: merge(state, change.notifications) };
    case 'AllNotificationsRead':
      // With something still unread, it came after the mark: which rows those are, only the server can say.
      if (change.unreadCount > 0) return { ...next, reloads: state.reloads + 1 };
      return { ...next, items: state.items.map((item) => ({ ...item, readAt: item.readAt ?? change.readAt })) };
    case 'InboxReset':
      return { ...next, reloads: state.reloads + 1 };
    default:
      return next;
  }
}

/**
 * Brings rows up to date. Archived ones leave; unknown ones come in at their place if the loaded part reaches that
 * far. A row that was just read stays where it is, in the list of unread ones too: nothing jumps away under a finger.
 */
function merge(state: InboxState, changed: Notification[]): Notification[] {
  const shown = new Set(state.items.map((item) => item.id));
  const news = new Map(changed.map((item) => [item.id, item]));
  const oldest = state.items.at(-1)?.createdAt;
  const wanted = (item: Notification) => {
    if (item.archivedAt) return false;
    if (shown.has(item.id)) return true;
    const reached = !state.hasMore || oldest === undefined || item.createdAt >= oldest;
    return reached && (state.filter === 'all' || !item.readAt);
  };
  const added = changed.filter((item) => !shown.has(item.id)).reverse();
  // The sort keeps what has the same time in this order: the newcomers above, the others as they were.
  return [...added, ...state.items.map((item) => news.get(item.id) ?? item)]
    .filter(wanted)
    .sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
}

function listOf(page: NotificationPage) {
  return { items: page.nodes, endCursor: page.pageInfo.endCursor, hasMore: page.pageInfo.hasNextPage };
}
