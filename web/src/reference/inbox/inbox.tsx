import { useCallback, useEffect, useRef, useState, type Dispatch } from 'react';
import { messageOf, mutate, request } from '../graphql/request';
import type { InboxTop, Notification, Refusal, Settings } from '../graphql/types';
import { Icon } from '../ui/icon';
import { useNow } from '../ui/time';
import { useToast } from '../ui/toast';
import { InboxItem, type ItemAction } from './inbox-item';
import type { Filter, InboxAction, InboxState } from './state';

interface InboxProps {
  state: InboxState;
  dispatch: Dispatch<InboxAction>;
  /** While the stream is up it alone moves the unread count: answers of mutations may come later than newer news. */
  live: boolean;
  settings: Settings;
}

interface InboxPayload {
  inbox: { id: string; unreadCount: number };
  notifications?: Notification[];
  userErrors: Refusal[];
}

const pageSize = 20;

export function Inbox({ state, dispatch, live, settings }: InboxProps) {
  const [loading, setLoading] = useState(false);
  const now = useNow();
  const say = useToast();

  const fetches = useRef(0);

  const load = useCallback(
    async (filter: Filter, first: number, after: string | null) => {
      const id = (fetches.current += 1);
      if (!after) dispatch({ kind: 'fetching', id });
      setLoading(true);
      try {
        const data = await request<{ viewer: { inbox: InboxTop } }>('InboxPage', {
          first,
          after,
          filter: filter === 'unread' ? { archived: false, read: false } : { archived: false },
        });
        const top = data.viewer.inbox;
        if (after) dispatch({ kind: 'extended', after, page: top.notifications });
        else dispatch({ kind: 'fetched', id, filter, top });
      } catch (error) {
        say('bad', messageOf(error));
      } finally {
        setLoading(false);
      }
    },
    [dispatch, say],
  );

  const reloaded = useRef(state.reloads);
  useEffect(() => {
    if (reloaded.current === state.reloads) return;
    reloaded.current = state.reloads;
    void load(state.filter, Math.min(Math.max(state.items.length, pageSize), 100), null);
  }, [state.reloads, state.filter, state.items.length, load]);

  const act = async (action: ItemAction, item: Notification) => {
    const { operation, shown } = effects[action];
    dispatch({ kind: 'touched', notifications: [{ ...item, ...shown() }] });
    try {
      const payload = await mutate<InboxPayload>(operation, { ids: [item.id] });
      dispatch({
        kind: 'touched',
        notifications: payload.notifications ?? [],
        ...(live ? {} : { unreadCount: payload.inbox.unreadCount }),
      });
    } catch (error) {
      dispatch({ kind: 'touched', notifications: [item] });
      say('bad', messageOf(error));
    }
  };

  const markAll = async () => {
    try {
      await mutate<InboxPayload>('MarkAllRead', { upTo: state.cursor });
      if (!live) await load(state.filter, pageSize, null);
    } catch (error) {
      say('bad', messageOf(error));
    }
  };

  return (
    <section className="card inbox" aria-labelledby="inbox-title">
      <header className="card-head">
        <h2 id="inbox-title">
          Inbox
          <span className="count" aria-label={`${state.unreadCount} unread`} data-none={state.unreadCount === 0 || undefined}>
            {state.unreadCount}
          </span>
        </h2>
        <div className="tabs" role="group" aria-label="Show">
          {(['all', 'unread'] as const).map((filter) => (
            <button
              key={filter}
              type="button"
              aria-pressed={state.filter === filter}
              onClick={() => void load(filter, pageSize, null)}
            >
              {filter === 'all' ? 'All' : 'Unread'}
            </button>
          ))}
        </div>
        <button type="button" className="quiet" disabled={state.unreadCount === 0} onClick={() => void markAll()}>
          <Icon name="check" /> Mark all read
        </button>
      </header>
      {state.items.length === 0 ? (
        <div className="empty">
          <Icon name="bell" />
          <p>
            <b>{state.filter === 'unread' ? 'You have read everything.' : 'Nothing here yet.'}</b>
          </p>
          <p className="muted">New notifications appear here by themselves.</p>
        </div>
      ) : (
        <ol className="items" aria-label="Notifications" aria-busy={loading}>
          {state.items.map((item) => (
            <InboxItem
              key={item.id}
              item={item}
              now={now}
              fresh={state.arrived.has(item.id)}
              label={labelOf(settings, item.eventType)}
              onAct={(action) => void act(action, item)}
            />
          ))}
          {state.hasMore && (
            <li className="more">
              <button type="button" disabled={loading} onClick={() => void load(state.filter, pageSize, state.endCursor)}>
                {loading ? 'Loading…' : 'Show older ones'}
              </button>
            </li>
          )}
        </ol>
      )}
    </section>
  );
}

const effects: Record<ItemAction, { operation: string; shown: () => Partial<Notification> }> = {
  read: { operation: 'MarkRead', shown: () => ({ readAt: new Date().toISOString() }) },
  unread: { operation: 'MarkUnread', shown: () => ({ readAt: null }) },
  archive: { operation: 'Archive', shown: () => ({ archivedAt: new Date().toISOString() }) },
};

function labelOf(settings: Settings, eventType: string): string {
  for (const category of settings.categories) {
    const setting = category.events.find((candidate) => candidate.eventType === eventType);
    if (setting) return setting.label;
  }
  return eventType;
}
