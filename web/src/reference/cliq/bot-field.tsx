import { useId } from 'react';

interface BotFieldProps {
  value: string;
  onChange: (bot: string) => void;
  problem?: string | undefined;
}

/** A bot's unique name or any address it has: the server takes the name out. */
export function BotField({ value, onChange, problem }: BotFieldProps) {
  const help = useId();
  return (
    <label className="field">
      <span>Bot unique name or URL</span>
      <input
        type="text"
        value={value}
        required
        maxLength={500}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        placeholder="heffl-notifications"
        aria-invalid={problem !== undefined}
        aria-describedby={help}
        onChange={(event) => onChange(event.target.value)}
      />
      <small id={help} className={problem ? 'problem' : 'muted'}>
        {problem ?? 'In Cliq: Bots → the bot → API endpoint'}
      </small>
    </label>
  );
}
