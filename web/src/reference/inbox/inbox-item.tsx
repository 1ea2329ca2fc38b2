import { useEffect, useState } from 'react';
import { messageOf, request } from '../graphql/request';
import type { Notification, Outcome } from '../graphql/types';
import { Avatar } from '../ui/avatar';
import { Icon } from '../ui/icon';
import { ago, exactly } from '../ui/time';
import { channelName, outcomeText } from '../ui/words';

export type ItemAction = 'read' | 'unread' | 'archive';

interface InboxItemProps {
  item: Notification;
  now: number;
  /** It came while the page was open. */
  fresh: boolean;
  /** The event type in words. */
  label: string;
  onAct: (action: ItemAction) => void;
}

/** One notification. A click reads it and unfolds what happened to it on every channel. */
export function InboxItem({ item, now, fresh, label, onAct }: InboxItemProps) {
  const [open, setOpen] = useState(false);
  const unread = !item.readAt;

  return (
    <li className="item" data-unread={unread || undefined} data-fresh={fresh || undefined}>
      <button
        type="button"
        className="row"
        aria-expanded={open}
        onClick={() => {
          setOpen(!open);
          if (unread) onAct('read');
        }}
      >
        {item.actor ? (
          <Avatar name={item.actor.name} />
        ) : (
          <span className="avatar plain" aria-hidden="true">
            <Icon name="bell" />
          </span>
        )}
        <span className="text">
          {unread && <span className="visually-hidden">Unread: </span>}
          <span className="title">{item.title}</span>
          {item.body && <span className="body">{item.body}</span>}
          <span className="meta">
            <span>{label}</span>
            <time dateTime={item.createdAt} title={exactly(item.createdAt)}>
              {ago(item.createdAt, now)}
            </time>
          </span>
        </span>
        <span className="unread-dot" aria-hidden="true" />
      </button>
      {open && (
        <div className="details">
          <Outcomes id={item.id} />
          <div className="actions">
            <a className="button" href={item.url} target="_blank" rel="noopener">
              Open in Heffl <Icon name="external" />
            </a>
            <button type="button" onClick={() => onAct(unread ? 'read' : 'unread')}>
              Mark as {unread ? 'read' : 'unread'}
            </button>
            <button type="button" onClick={() => onAct('archive')}>
              <Icon name="archive" /> Archive
            </button>
          </div>
        </div>
      )}
    </li>
  );
}

/** How often, and how long after each other, unfinished deliveries are asked for again. */
const lookAgain = { times: 10, after: 2_000 };

/** Asked for when it is unfolded: deliveries go on after the notification arrived, and the stream does not carry them. */
function Outcomes({ id }: { id: string }) {
  const [outcomes, setOutcomes] = useState<Outcome[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    let gone = false;
    let timer: number | undefined;
    const look = async (left: number) => {
      try {
        const data = await request<{ node: { channels: Outcome[] } | null }>('Outcomes', { id });
        if (gone) return;
        const channels = data.node?.channels ?? [];
        setOutcomes(channels);
        const unfinished = channels.some(({ status }) => status === 'QUEUED' || status === 'SENDING' || status === 'RETRYING');
        if (unfinished && left > 0) timer = window.setTimeout(() => void look(left - 1), lookAgain.after);
      } catch (error) {
        if (!gone) setProblem(messageOf(error));
      }
    };
    void look(lookAgain.times);
    return () => {
      gone = true;
      window.clearTimeout(timer);
    };
  }, [id]);

  if (problem) return <p className="problem">{problem}</p>;
  return (
    <dl className="outcomes" aria-busy={outcomes === null}>
      {(outcomes ?? placeholders).map((outcome) => (
        <div key={outcome.channel} data-status={outcome.status}>
          <dt>{channelName(outcome.channel)}</dt>
          <dd>{outcomes ? outcomeText(outcome) : '…'}</dd>
        </div>
      ))}
    </dl>
  );
}

const placeholders: Outcome[] = ['IN_APP', 'EMAIL', 'CLIQ'].map((channel) => ({
  channel,
  status: '',
  reason: null,
  problem: null,
  folded: false,
  attempts: 0,
  nextAttemptAt: null,
  finishedAt: null,
}));
