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

/** Asked for when it is unfolded: deliveries go on after the notification arrived, so the stream does not carry them. */
function Outcomes({ id }: { id: string }) {
  const [outcomes, setOutcomes] = useState<Outcome[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    let gone = false;
    request<{ node: { channels: Outcome[] } | null }>('Outcomes', { id }).then(
      (data) => !gone && setOutcomes(data.node?.channels ?? []),
      (error: unknown) => !gone && setProblem(messageOf(error)),
    );
    return () => {
      gone = true;
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
