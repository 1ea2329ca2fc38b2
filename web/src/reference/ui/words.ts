import type { BlockReason, Channel, Outcome } from '../graphql/types';

const channels: Record<string, string> = { IN_APP: 'In-app', EMAIL: 'E-mail', CLIQ: 'Cliq' };

export function channelName(channel: Channel): string {
  return channels[channel] ?? sentence(channel);
}

const blocks: Record<string, string> = {
  CHANNEL_OFF: 'the channel is switched off',
  NOT_CONNECTED: 'Zoho Cliq is not connected',
  NEEDS_RECONNECT: 'Zoho Cliq has to be connected again',
  INTEGRATION_PROBLEM: 'Zoho Cliq has a problem',
  ADDRESS_MISSING: 'you have no e-mail address',
  ADDRESS_BOUNCED: 'your e-mail address refuses messages',
};

/** Why something does not go out, as the end of a sentence. */
export function blockedBy(reasons: BlockReason[]): string {
  return reasons.map((reason) => blocks[reason] ?? sentence(reason).toLowerCase()).join(', ');
}

const skips: Record<string, string> = {
  ...blocks,
  EVENT_OFF: 'switched off for this event',
  LOCKED_OFF: 'switched off by your workspace',
  INACTIVE: 'your account was not active',
};

const statuses: Record<string, string> = {
  QUEUED: 'Waiting to be sent',
  SENDING: 'Being sent',
  RETRYING: 'Will be tried again',
  SENT: 'Delivered',
  FAILED: 'Not delivered',
  OUTCOME_UNKNOWN: 'Sent, but not confirmed',
};

/** What happened to one notification on one channel. */
export function outcomeText(outcome: Outcome): string {
  if (outcome.status === 'SKIPPED') {
    const reason = outcome.reason ?? '';
    return `Not sent: ${skips[reason] ?? sentence(reason).toLowerCase()}`;
  }
  const status = statuses[outcome.status] ?? sentence(outcome.status);
  const problem = outcome.problem ? ` (${sentence(outcome.problem).toLowerCase()})` : '';
  return `${status}${outcome.folded ? ' together with others' : ''}${problem}`;
}

/** BOT_NOT_FOUND becomes "Bot not found": the generic way to show a value this page does not know. */
export function sentence(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
