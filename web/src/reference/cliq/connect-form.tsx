import { useState, type FormEvent } from 'react';
import { messageOf, mutate, RefusedError } from '../graphql/request';
import type { Cliq, Refusal, Region } from '../graphql/types';
import { Icon } from '../ui/icon';
import { BotField } from './bot-field';
import { Notice } from './notice';

interface ConnectFormProps {
  cliq: Cliq;
  regions: Region[];
  onCancel?: () => void;
}

interface Problems {
  region?: string;
  bot?: string;
  other?: string;
}

/** Region and bot, then off to Zoho. The page is left: the result is read from the address on the way back. */
export function ConnectForm({ cliq, regions, onCancel }: ConnectFormProps) {
  const [region, setRegion] = useState(cliq.region?.code ?? regions[0]?.code ?? '');
  const [bot, setBot] = useState(cliq.botUniqueName ?? '');
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Problems>({});
  const cliqUrl = regions.find((candidate) => candidate.code === region)?.cliqUrl;

  const connect = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblems({});
    try {
      const { consentUrl } = await mutate<{ consentUrl: string | null; userErrors: Refusal[] }>('ConnectCliq', {
        region,
        bot: bot.trim(),
        returnTo: `${location.origin}/`,
      });
      if (!consentUrl) throw new Error('The server gave no address to continue at.');
      location.assign(consentUrl);
    } catch (error) {
      setProblems(problemsOf(error));
      setBusy(false);
    }
  };

  return (
    <form className="connect" onSubmit={(event) => void connect(event)}>
      <div className="fields">
        <label className="field">
          <span>Region</span>
          <select
            value={region}
            required
            aria-invalid={problems.region !== undefined}
            aria-describedby="region-help"
            onChange={(event) => setRegion(event.target.value)}
          >
            {regions.map((candidate) => (
              <option key={candidate.code} value={candidate.code}>
                {candidate.label}
              </option>
            ))}
          </select>
          <small id="region-help" className={problems.region ? 'problem' : 'muted'}>
            {problems.region ?? `Where you open Cliq${cliqUrl ? `: ${new URL(cliqUrl).host}` : ''}`}
          </small>
        </label>
        <BotField value={bot} onChange={setBot} problem={problems.bot} />
      </div>
      {problems.other && <Notice tone="bad">{problems.other}</Notice>}
      <div className="actions">
        <button type="submit" className="primary" disabled={busy}>
          {busy ? <span className="spinner" aria-hidden="true" /> : <Icon name="external" />}
          {onCancel ? 'Connect again' : 'Connect'}
        </button>
        {onCancel && (
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        )}
        <span className="muted small">Zoho will ask for your permission.</span>
      </div>
    </form>
  );
}

/** Puts every refusal beside the field it is about. */
function problemsOf(error: unknown): Problems {
  if (!(error instanceof RefusedError)) return { other: messageOf(error) };
  const problems: Problems = {};
  for (const { field, message } of error.refusals) {
    const last = field?.at(-1);
    problems[last === 'region' || last === 'bot' ? last : 'other'] = message;
  }
  return problems;
}
