import { useState, type FormEvent } from 'react';
import { messageOf, mutate, RefusedError } from '../graphql/request';
import type { Cliq, Person, Refusal } from '../graphql/types';
import { Confirm } from '../ui/confirm';
import { ago, exactly, useNow } from '../ui/time';
import { useToast } from '../ui/toast';
import { BotField } from './bot-field';
import { Notice } from './notice';

interface ConnectedProps {
  cliq: Cliq;
  onChange: (person: Person) => void;
  onReconnect: () => void;
  onDisconnect: () => Promise<void>;
}

interface TestPayload {
  delivered: boolean;
  outcome: string;
  viewer: Person;
  userErrors: Refusal[];
}

/** A connection that exists: its facts, what is wrong with it, and what one can do. */
export function Connected({ cliq, onChange, onReconnect, onDisconnect }: ConnectedProps) {
  const [changingBot, setChangingBot] = useState(false);
  const [confirming, setConfirming] = useState(false);
  const [testing, setTesting] = useState(false);
  const now = useNow();
  const say = useToast();
  const broken = cliq.status === 'NEEDS_RECONNECT';

  const test = async () => {
    setTesting(true);
    try {
      const payload = await mutate<TestPayload>('SendCliqTestMessage');
      onChange(payload.viewer);
      if (payload.delivered) say('good', 'The test message was delivered. Look into Cliq.');
      else if (payload.outcome === 'OUTCOME_UNKNOWN') say('bad', 'Zoho did not answer: the test message may have arrived or not.');
      // Why, and what to do, stands in the card: it lasts longer than a passing message.
      else say('bad', 'The test message was not delivered.');
    } catch (error) {
      say('bad', messageOf(error));
    } finally {
      setTesting(false);
    }
  };

  return (
    <>
      {cliq.problem && (
        <Notice tone="bad">
          <b>{cliq.problem.message}</b> {cliq.problem.remedy}
          <small className="muted">
            first seen <time dateTime={cliq.problem.since} title={exactly(cliq.problem.since)}>{ago(cliq.problem.since, now)}</time>
            {cliq.problem.occurrences > 1 && `, ${cliq.problem.occurrences} times`}
          </small>
        </Notice>
      )}
      {broken && !cliq.problem && <Notice tone="bad">Zoho no longer accepts this connection. Connect again to go on.</Notice>}
      {cliq.regionCorrected && cliq.region && (
        <Notice tone="wait">Your account lives in {cliq.region.label}, so that region is used instead of the one you picked.</Notice>
      )}

      <dl className="facts">
        <dt>Region</dt>
        <dd>{cliq.region?.label ?? 'Unknown'}</dd>
        <dt>Bot</dt>
        <dd>{changingBot ? null : <code>{cliq.botUniqueName ?? 'none'}</code>}</dd>
        <dt>Connected</dt>
        <dd>{cliq.connectedAt ? <time dateTime={cliq.connectedAt} title={exactly(cliq.connectedAt)}>{ago(cliq.connectedAt, now)}</time> : 'Unknown'}</dd>
        <dt>Last message</dt>
        <dd>{cliq.lastDeliveredAt ? <time dateTime={cliq.lastDeliveredAt} title={exactly(cliq.lastDeliveredAt)}>{ago(cliq.lastDeliveredAt, now)}</time> : 'None yet'}</dd>
      </dl>

      {changingBot ? (
        <BotForm cliq={cliq} onChange={onChange} onClose={() => setChangingBot(false)} />
      ) : (
        <div className="actions">
          {broken ? (
            <button type="button" className="primary" onClick={onReconnect}>
              Connect again
            </button>
          ) : (
            <button type="button" className="primary" disabled={testing} onClick={() => void test()}>
              {testing && <span className="spinner" aria-hidden="true" />}
              Send test message
            </button>
          )}
          <button type="button" onClick={() => setChangingBot(true)}>
            Change bot
          </button>
          {!broken && (
            <button type="button" onClick={onReconnect}>
              Reconnect
            </button>
          )}
          <button type="button" className="danger" onClick={() => setConfirming(true)}>
            Disconnect
          </button>
        </div>
      )}
      {confirming && (
        <Confirm
          title="Disconnect Zoho Cliq?"
          text="No more messages will come to Cliq. What you chose in the settings is kept for the next time."
          action="Disconnect"
          onConfirm={() => void onDisconnect()}
          onClose={() => setConfirming(false)}
        />
      )}
    </>
  );
}

function BotForm({ cliq, onChange, onClose }: { cliq: Cliq; onChange: (person: Person) => void; onClose: () => void }) {
  const [bot, setBot] = useState(cliq.botUniqueName ?? '');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const say = useToast();

  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const payload = await mutate<{ viewer: Person; userErrors: Refusal[] }>('UpdateCliqBot', { bot: bot.trim() });
      onChange(payload.viewer);
      say('good', 'The bot was changed.');
      onClose();
    } catch (error) {
      if (error instanceof RefusedError) setProblem(error.message);
      else say('bad', messageOf(error));
      setBusy(false);
    }
  };

  return (
    <form className="connect" onSubmit={(event) => void save(event)}>
      <BotField value={bot} onChange={setBot} problem={problem} />
      <div className="actions">
        <button type="submit" className="primary" disabled={busy}>
          Save
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}
