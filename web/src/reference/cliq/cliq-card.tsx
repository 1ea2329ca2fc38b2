import { useEffect, useRef, useState } from 'react';
import { messageOf, mutate } from '../graphql/request';
import type { Cliq, Person, Refusal, Region } from '../graphql/types';
import { useToast } from '../ui/toast';
import { ConnectForm } from './connect-form';
import { explainReturn, type ConnectReturn } from './connect-return';
import { Connected } from './connected';
import { Notice } from './notice';

interface PersonPayload {
  viewer: Person;
  userErrors: Refusal[];
}

interface CliqCardProps {
  cliq: Cliq;
  regions: Region[];
  connectReturn: ConnectReturn | null;
  onChange: (person: Person) => void;
}

const pills: Record<string, { tone: string; text: string }> = {
  NOT_CONNECTED: { tone: '', text: 'Not connected' },
  CONNECTED: { tone: 'good', text: 'Connected' },
  NEEDS_RECONNECT: { tone: 'bad', text: 'Connect again' },
};

/** The Zoho Cliq integration: how it stands, and everything one can do about it. */
export function CliqCard({ cliq, regions, connectReturn, onChange }: CliqCardProps) {
  const [result, setResult] = useState(() => resultOf(connectReturn));
  const [reconnecting, setReconnecting] = useState(false);
  const say = useToast();
  useTicket(connectReturn, onChange, setResult);

  const connected = cliq.status !== 'NOT_CONNECTED';
  const working = cliq.status === 'CONNECTED' && !cliq.problem;
  const pill = working || !connected || cliq.status === 'NEEDS_RECONNECT' ? pills[cliq.status] : undefined;

  return (
    <section className="card cliq" aria-labelledby="cliq-title">
      <header className="card-head">
        <CliqMark />
        <div>
          <h2 id="cliq-title">Zoho Cliq</h2>
          <p className="muted">Get notifications as direct messages from a bot.</p>
        </div>
        <span className={`pill ${pill?.tone ?? 'wait'}`}>{pill?.text ?? 'Needs attention'}</span>
      </header>

      {result && !(result.tone === 'good' && cliq.problem) && (
        <Notice tone={result.tone} onDismiss={() => setResult(null)}>
          {result.text}
        </Notice>
      )}

      {connected && !reconnecting ? (
        <Connected
          cliq={cliq}
          onChange={onChange}
          onReconnect={() => setReconnecting(true)}
          onDisconnect={async () => {
            try {
              const payload = await mutate<PersonPayload & { revocation: string }>('DisconnectCliq');
              setResult(null);
              onChange(payload.viewer);
              say('good', 'Zoho Cliq is disconnected.');
            } catch (error) {
              say('bad', messageOf(error));
            }
          }}
        />
      ) : (
        <ConnectForm
          cliq={cliq}
          regions={regions}
          {...(reconnecting ? { onCancel: () => setReconnecting(false) } : {})}
        />
      )}
    </section>
  );
}

type Result = { tone: 'good' | 'bad' | 'wait'; text: string };

function resultOf(back: ConnectReturn | null): Result | null {
  switch (back?.status) {
    case 'connected':
      return { tone: 'good', text: 'Zoho Cliq is connected. Send a test message to see it work.' };
    case 'confirm':
      return { tone: 'wait', text: 'Finishing the connection…' };
    case 'error':
      return { tone: 'bad', text: explainReturn(back.code) };
    default:
      return null;
  }
}

/** Redeems a ticket once: the hand-over for browsers that brought no cookie back from Zoho. */
function useTicket(back: ConnectReturn | null, onChange: (person: Person) => void, onResult: (result: Result) => void) {
  const redeemed = useRef(false);
  useEffect(() => {
    if (back?.status !== 'confirm' || redeemed.current) return;
    redeemed.current = true;
    mutate<PersonPayload>('CompleteCliqConnect', { ticket: back.ticket }).then(
      (payload) => {
        onChange(payload.viewer);
        onResult(resultOf({ status: 'connected' })!);
      },
      (error: unknown) => onResult({ tone: 'bad', text: messageOf(error) }),
    );
  }, [back, onChange, onResult]);
}

function CliqMark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" width="36" height="36" aria-hidden="true">
      <rect width="32" height="32" rx="9" />
      <path d="M9 11.5a3 3 0 0 1 3-3h8a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3h-4.5L11 24.4v-4a3 3 0 0 1-2-2.9Z" />
    </svg>
  );
}
