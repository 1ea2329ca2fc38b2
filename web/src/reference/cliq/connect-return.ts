import { sentence } from '../ui/words';

/** How someone came back from Zoho's consent page. */
export type ConnectReturn =
  | { status: 'connected' }
  | { status: 'error'; code: string }
  | { status: 'confirm'; ticket: string };

/** Reads the result from the address and removes it there. */
export function takeConnectReturn(): ConnectReturn | null {
  const url = new URL(location.href);
  if (url.searchParams.get('integration') !== 'zoho_cliq') return null;
  const status = url.searchParams.get('status');
  const code = url.searchParams.get('code') ?? '';
  const ticket = url.searchParams.get('ticket') ?? '';
  for (const name of ['integration', 'status', 'code', 'ticket']) url.searchParams.delete(name);
  history.replaceState(null, '', url);
  if (status === 'connected') return { status };
  if (status === 'confirm' && ticket) return { status, ticket };
  return { status: 'error', code };
}

const explanations: Record<string, string> = {
  access_denied: 'You did not allow the connection, so nothing was connected.',
  state_invalid: 'The attempt took too long or was already used. Please connect again.',
  browser_mismatch: 'The connection was started in another browser. Please connect again in this one.',
  user_mismatch: 'Someone else is signed in now than when the connection was started. Please connect again.',
  provider_unavailable: 'Zoho did not answer. Please try again in a few minutes.',
};

/** What an error code of the return address means to a person; a code unknown here is shown in plain words. */
export function explainReturn(code: string): string {
  return explanations[code.toLowerCase()] ?? `Zoho Cliq could not be connected${code ? `: ${sentence(code).toLowerCase()}` : ''}.`;
}
