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
  ACCESS_DENIED: 'You did not allow the connection, so nothing was connected.',
  OTHER_BROWSER: 'The connection was started in another browser. Connect again in this one.',
  OTHER_USER: 'Somebody else is signed in now than when the connection was started. Connect again.',
  UNKNOWN_REGION: 'Your Zoho account lives in a region that is not known here, so nothing was connected.',
  REGION_NOT_AVAILABLE: 'Your Zoho account lives in a region that cannot be connected here.',
  REGION_MISMATCH: 'Your Zoho account seems to live in another region. Choose the one in whose address you use Cliq.',
  PROVIDER_BUSY: 'Zoho does not answer right now. Connect again in a few minutes.',
  PROVIDER_REJECTED: 'Zoho did not accept its own answer any more: it is good for two minutes only. Connect again.',
  PROVIDER_MISCONFIGURED: 'Zoho refuses this application in your region. Please tell your administrator.',
  SCOPE_MISSING: 'Zoho did not grant the permission to send with a bot. Connect again and accept it.',
  NO_REFRESH_TOKEN: 'Zoho granted access for an hour only. Connect again and accept on Zoho’s page.',
  INTERNAL: 'Something went wrong on our side, and nothing was connected. Connect again.',
};

/** What an error code of the return address means to a person; a code unknown here is shown in plain words. */
export function explainReturn(code: string): string {
  return explanations[code] ?? `Zoho Cliq could not be connected${code ? `: ${sentence(code).toLowerCase()}` : ''}.`;
}
