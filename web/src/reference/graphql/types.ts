// The shapes that operations.graphql asks for. Enums of the API may grow: a value unknown here must always have a
// generic way to be shown, so they are typed as the known values or any other string.

type Open<Known extends string> = Known | (string & {});

export type Channel = Open<'IN_APP' | 'EMAIL' | 'CLIQ'>;
export type BlockReason = Open<
  'CHANNEL_OFF' | 'NOT_CONNECTED' | 'NEEDS_RECONNECT' | 'INTEGRATION_PROBLEM' | 'ADDRESS_MISSING' | 'ADDRESS_BOUNCED'
>;

export interface Region {
  code: string;
  label: string;
  cliqUrl: string;
}

export interface Problem {
  code: string;
  message: string;
  remedy: string;
  since: string;
  occurrences: number;
}

export interface Cliq {
  id: string;
  status: Open<'NOT_CONNECTED' | 'CONNECTED' | 'NEEDS_RECONNECT'>;
  connectedAt: string | null;
  region: Region | null;
  regionCorrected: boolean;
  botUniqueName: string | null;
  lastDeliveredAt: string | null;
  problem: Problem | null;
}

export interface Cell {
  channel: Channel;
  enabled: boolean;
  default: boolean;
  source: Open<'CATALOG' | 'WORKSPACE' | 'USER' | 'LOCKED'>;
  locked: boolean;
  lockedReason: string | null;
  delivers: boolean;
  blockedBy: BlockReason[];
}

export interface Setting {
  id: string;
  eventType: string;
  label: string;
  description: string;
  importance: Open<'IMPORTANT' | 'NOISY'>;
  cells: Cell[];
}

export interface ChannelSetting {
  channel: Channel;
  enabled: boolean;
  editable: boolean;
  blockedBy: BlockReason[];
}

export interface Category {
  key: string;
  label: string;
  events: Setting[];
}

export interface SettingsHead {
  id: string;
  revision: number;
  channels: ChannelSetting[];
}

export interface Settings extends SettingsHead {
  categories: Category[];
}

export interface Person {
  id: string;
  userId: string;
  name: string;
  email: string | null;
  workspace: { id: string; name: string };
  cliq: Cliq;
  notificationSettings: Settings;
}

export interface Notification {
  id: string;
  eventType: string;
  category: string;
  importance: Open<'IMPORTANT' | 'NOISY'>;
  title: string;
  body: string | null;
  url: string;
  actor: { id: string; name: string } | null;
  createdAt: string;
  readAt: string | null;
  archivedAt: string | null;
}

export interface NotificationPage {
  nodes: Notification[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

export interface InboxTop {
  id: string;
  unreadCount: number;
  cursor: string;
  notifications: NotificationPage;
}

export type InboxChange = { cursor: string; unreadCount: number } & (
  | { __typename: 'NotificationReceived'; notification: Notification }
  | { __typename: 'NotificationsUpdated'; notifications: Notification[] }
  | { __typename: 'AllNotificationsRead'; readAt: string }
  | { __typename: 'InboxReset'; reason: string }
);

export interface Outcome {
  channel: Channel;
  status: Open<'SKIPPED' | 'QUEUED' | 'SENDING' | 'RETRYING' | 'SENT' | 'FAILED' | 'OUTCOME_UNKNOWN'>;
  reason: string | null;
  problem: string | null;
  folded: boolean;
  attempts: number;
  nextAttemptAt: string | null;
  finishedAt: string | null;
}

export interface Refusal {
  code: string;
  field: string[] | null;
  message: string;
}
