import { useCallback, useRef, useState, type Dispatch, type SetStateAction } from 'react';
import { messageOf, mutate } from '../graphql/request';
import type { Person, Settings } from '../graphql/types';
import { Confirm } from '../ui/confirm';
import { Icon } from '../ui/icon';
import { useToast } from '../ui/toast';
import { blockedBy, channelName } from '../ui/words';
import { SettingsTable } from './settings-table';
import { matching, withAnswer, type SettingsPayload } from './update';

interface SettingsCardProps {
  settings: Settings;
  email: string | null;
  onChange: Dispatch<SetStateAction<Person>>;
}

/**
 * What a switch should show from the click until its answer came, by the switch's key. Kept beside the settings, not
 * in them: so an answer to one switch, or news from another tab, never undoes another one that is under way.
 */
export type Wishes = ReadonlyMap<string, boolean>;

export type Change = (key: string, wish: boolean | undefined, operation: string, input: Record<string, unknown>) => void;

/** Every event type on every channel, with the master switch of each channel above them. */
export function SettingsCard({ settings, email, onChange }: SettingsCardProps) {
  const [wishes, setWishes] = useState<Wishes>(new Map());
  const [search, setSearch] = useState('');
  const [confirming, setConfirming] = useState(false);
  const say = useToast();
  // One change after the other: two clicks on one switch must arrive in the order they were made.
  const queue = useRef(Promise.resolve());

  const change = useCallback<Change>(
    (key, wish, operation, input) => {
      if (wish !== undefined) setWishes((all) => new Map(all).set(key, wish));
      const run = async () => {
        try {
          const payload = await mutate<SettingsPayload>(operation, input);
          onChange((person) => withAnswer(person, payload));
          if (payload.skipped && payload.skipped.length > 0) {
            say('good', `${payload.skipped.length} of them are locked by your workspace and stay as they are.`);
          }
        } catch (error) {
          say('bad', messageOf(error));
        }
        setWishes((all) => {
          // A later click on the same switch has a wish of its own.
          if (all.get(key) !== wish) return all;
          const rest = new Map(all);
          rest.delete(key);
          return rest;
        });
      };
      queue.current = queue.current.then(run);
    },
    [onChange, say],
  );

  const categories = matching(settings, search);
  const obstacles = settings.channels.filter((channel) => channel.enabled && channel.blockedBy.length > 0);

  return (
    <section className="card settings" aria-labelledby="settings-title">
      <header className="card-head">
        <div>
          <h2 id="settings-title">What reaches you, and where</h2>
          <p className="muted">E-mail goes to {email ?? 'nobody: there is no address yet'}.</p>
        </div>
        <button type="button" className="quiet" onClick={() => setConfirming(true)}>
          <Icon name="undo" /> Reset
        </button>
      </header>

      <label className="search">
        <Icon name="search" />
        <input
          type="search"
          value={search}
          placeholder="Find an event"
          aria-label="Find an event"
          onChange={(event) => setSearch(event.target.value)}
        />
      </label>

      {obstacles.map((channel) => (
        <p key={channel.channel} className="obstacle">
          <Icon name="alert" />
          <span>
            <b>{channelName(channel.channel)}</b> is on, but nothing goes out: {blockedBy(channel.blockedBy)}.
          </span>
        </p>
      ))}

      <SettingsTable
        channels={settings.channels}
        categories={categories}
        wishes={wishes}
        searching={search.trim() !== ''}
        onChange={change}
      />
      {categories.length === 0 && <p className="empty">No event matches “{search}”.</p>}

      {confirming && (
        <Confirm
          title="Reset all settings?"
          text="Every event goes back to its default on every channel. Your master switches and the Zoho Cliq connection stay as they are."
          action="Reset"
          onConfirm={() => change('reset', undefined, 'ResetPreferences', {})}
          onClose={() => setConfirming(false)}
        />
      )}
    </section>
  );
}
