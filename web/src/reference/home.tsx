import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import type { Page } from './app';
import { CliqCard } from './cliq/cliq-card';
import type { ConnectReturn } from './cliq/connect-return';
import { follow, openLive, type LiveStatus } from './graphql/live';
import type { InboxChange, Person } from './graphql/types';
import { Inbox } from './inbox/inbox';
import { initialInbox, reduceInbox } from './inbox/state';
import { SettingsCard } from './settings/settings-card';
import { withPerson } from './settings/update';
import { Avatar } from './ui/avatar';
import { Brand } from './ui/brand';
import { DeveloperLinks } from './ui/developer-links';

interface HomeProps {
  page: Page;
  connectReturn: ConnectReturn | null;
  developer: boolean;
  onLeave: () => void;
  onExpired: () => void;
}

/** The signed-in page: inbox, Zoho Cliq and settings, all kept up to date over one socket. */
export function Home({ page, connectReturn, developer, onLeave, onExpired }: HomeProps) {
  const [person, setPerson] = useState<Person>(page.viewer);
  const [inbox, dispatch] = useReducer(reduceInbox, page.viewer.inbox, initialInbox);
  const [live, setLive] = useState<LiveStatus>('connecting');
  const [announcement, setAnnouncement] = useState('');

  // Where the stream goes on from, also in callbacks that were made before the last change came.
  const cursor = useRef(inbox.cursor);
  useEffect(() => {
    cursor.current = inbox.cursor;
  }, [inbox.cursor]);

  useEffect(() => {
    const client = openLive({ onStatus: setLive, onSessionRefused: onExpired });
    const inboxEnds = follow<{ inboxChanged: InboxChange }>(
      client,
      'InboxChanged',
      () => ({ after: cursor.current }),
      ({ inboxChanged: change }) => {
        // Not left to the next render: a connection may break before it.
        cursor.current = change.cursor;
        dispatch({ kind: 'changed', change });
        if (change.__typename === 'NotificationReceived') setAnnouncement(`New: ${change.notification.title}`);
      },
    );
    const viewerEnds = follow<{ viewerChanged: Person }>(
      client,
      'ViewerChanged',
      () => ({}),
      ({ viewerChanged }) => setPerson((shown) => withPerson(shown, viewerChanged)),
    );
    return () => {
      inboxEnds();
      viewerEnds();
      void client.dispose();
    };
  }, [onExpired]);

  useEffect(() => {
    document.title = inbox.unreadCount > 0 ? `(${inbox.unreadCount}) Heffl Notifications` : 'Heffl Notifications';
  }, [inbox.unreadCount]);

  const changeCliq = useCallback((next: Person) => setPerson((shown) => withPerson(shown, next)), []);

  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="top">
        <Brand />
        <LiveBadge status={live} />
        <div className="me">
          <Avatar name={person.name} />
          <span className="who">
            <b>{person.name}</b>
            <small>{person.workspace.name}</small>
          </span>
          <button type="button" onClick={onLeave}>
            Sign out
          </button>
        </div>
      </header>
      <main id="main" className="page">
        <h1 className="visually-hidden">Notifications of {person.name}</h1>
        <Inbox state={inbox} dispatch={dispatch} live={live === 'live'} settings={person.notificationSettings} />
        <div className="column">
          {developer && <DeveloperLinks />}
          <CliqCard
            cliq={person.cliq}
            regions={page.cliqRegions}
            connectReturn={connectReturn}
            onChange={changeCliq}
          />
          <SettingsCard settings={person.notificationSettings} email={person.email} onChange={setPerson} />
        </div>
      </main>
      <p className="visually-hidden" role="status" aria-live="polite">
        {announcement}
      </p>
    </>
  );
}

const liveTexts: Record<LiveStatus, string> = { connecting: 'Connecting…', live: 'Live', offline: 'Reconnecting…' };

function LiveBadge({ status }: { status: LiveStatus }) {
  return (
    <span className={`live ${status}`} role="status">
      {liveTexts[status]}
    </span>
  );
}
