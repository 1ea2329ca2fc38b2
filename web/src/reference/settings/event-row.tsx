import type { Cell, ChannelSetting, Setting } from '../graphql/types';
import { Icon } from '../ui/icon';
import { Switch } from '../ui/switch';
import { blockedBy, channelName } from '../ui/words';
import type { Change, Wishes } from './settings-card';

interface EventRowProps {
  setting: Setting;
  channels: ChannelSetting[];
  wishes: Wishes;
  onChange: Change;
}

/** One event type and its switch on every channel. */
export function EventRow({ setting, channels, wishes, onChange }: EventRowProps) {
  const locks = setting.cells.filter((cell) => cell.locked);
  return (
    <tr>
      <th scope="row">
        <span className="label">
          {setting.label}
          {setting.importance === 'IMPORTANT' && <span className="pill small">Important</span>}
        </span>
        <small className="muted">{setting.description}</small>
        {locks.length > 0 && (
          <small className="locked">
            <Icon name="lock" /> {locksText(locks)}
          </small>
        )}
      </th>
      {channels.map(({ channel }) => {
        const cell = setting.cells.find((candidate) => candidate.channel === channel);
        if (!cell) return <td key={channel} />;
        const key = `${setting.eventType}/${channel}`;
        const enabled = wishes.get(key) ?? cell.enabled;
        return (
          <td key={channel}>
            <Switch
              label={`${setting.label}: ${channelName(channel)}`}
              checked={enabled}
              disabled={cell.locked}
              muted={enabled && !cell.delivers}
              hint={cellHint(cell, enabled)}
              onChange={(wish) =>
                onChange(key, wish, 'UpdatePreferences', {
                  changes: [{ eventType: setting.eventType, channel, enabled: wish }],
                })
              }
            />
          </td>
        );
      })}
    </tr>
  );
}

function locksText(locks: Cell[]): string {
  const names = (on: boolean) => locks.filter((cell) => cell.enabled === on).map((cell) => channelName(cell.channel));
  const parts = [
    { names: names(true), text: 'always on' },
    { names: names(false), text: 'always off' },
  ]
    .filter((part) => part.names.length > 0)
    .map((part) => `${part.names.join(' and ')} ${part.text}`);
  const reasons = [...new Set(locks.map((cell) => cell.lockedReason).filter(Boolean))];
  return `${parts.join('; ')}${reasons.length > 0 ? `: ${reasons.join(' ')}` : ''}`;
}

function cellHint(cell: Cell, enabled: boolean): string | undefined {
  if (cell.locked) return cell.lockedReason ?? 'Locked by your workspace';
  if (enabled && !cell.delivers && cell.blockedBy.length > 0) return `Nothing goes out: ${blockedBy(cell.blockedBy)}`;
  return undefined;
}
