import { useState } from 'react';
import type { Category, ChannelSetting } from '../graphql/types';
import { Icon } from '../ui/icon';
import { Switch } from '../ui/switch';
import { blockedBy, channelName } from '../ui/words';
import { EventRow } from './event-row';
import type { Change, Wishes } from './settings-card';
import { stateOf } from './update';

interface SettingsTableProps {
  channels: ChannelSetting[];
  categories: Category[];
  wishes: Wishes;
  /** A search shows what it found: then no category is folded. */
  searching: boolean;
  onChange: Change;
}

export function SettingsTable({ channels, categories, wishes, searching, onChange }: SettingsTableProps) {
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(categories.slice(0, 1).map(({ key }) => key)));
  const toggle = (key: string) => {
    const next = new Set(open);
    if (!next.delete(key)) next.add(key);
    setOpen(next);
  };

  return (
    <table className="grid">
      <thead>
        <tr>
          <th scope="col">
            <span className="visually-hidden">Event</span>
          </th>
          {channels.map((channel) => (
            <th key={channel.channel} scope="col">
              <span>{channelName(channel.channel)}</span>
              <Switch
                label={`${channelName(channel.channel)} notifications`}
                checked={wishes.get(channel.channel) ?? channel.enabled}
                disabled={!channel.editable}
                hint={channelHint(channel)}
                muted={channel.blockedBy.length > 0}
                onChange={(enabled) =>
                  onChange(channel.channel, enabled, 'SetChannelEnabled', { channel: channel.channel, enabled })
                }
              />
            </th>
          ))}
        </tr>
      </thead>
      {categories.map((category) => {
        const expanded = searching || open.has(category.key);
        return (
          <tbody key={category.key}>
            <tr className="category">
              <th scope="rowgroup">
                <button type="button" aria-expanded={expanded} disabled={searching} onClick={() => toggle(category.key)}>
                  <Icon name="chevron" />
                  {category.label}
                  <small className="muted">{category.events.length}</small>
                </button>
              </th>
              {channels.map(({ channel }) => (
                <td key={channel}>
                  {!searching && <CategoryBox category={category} channel={channel} onChange={onChange} />}
                </td>
              ))}
            </tr>
            {expanded &&
              category.events.map((setting) => (
                <EventRow key={setting.id} setting={setting} channels={channels} wishes={wishes} onChange={onChange} />
              ))}
          </tbody>
        );
      })}
    </table>
  );
}

function channelHint(channel: ChannelSetting): string | undefined {
  if (!channel.editable) return 'Always on';
  if (channel.enabled && channel.blockedBy.length > 0) return `Nothing goes out: ${blockedBy(channel.blockedBy)}`;
  return undefined;
}

/** All of a category at once. The dash stands for "some". */
function CategoryBox({ category, channel, onChange }: { category: Category; channel: string; onChange: Change }) {
  const state = stateOf(category, channel);
  return (
    <input
      type="checkbox"
      className="box"
      aria-label={`All ${category.label} events: ${channelName(channel)}`}
      checked={state === 'all'}
      disabled={state === 'locked'}
      ref={(box) => {
        if (box) box.indeterminate = state === 'some';
      }}
      onChange={() =>
        onChange(`${category.key}/${channel}`, undefined, 'SetCategory', {
          category: category.key,
          channel,
          enabled: state !== 'all',
        })
      }
    />
  );
}
