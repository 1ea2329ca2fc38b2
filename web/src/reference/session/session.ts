import type { DevUser } from '../../shared/users';

/** Trades a demo user's token for a session cookie, which scripts cannot read and which survives a reload. */
export async function signIn(user: DevUser): Promise<void> {
  await send('POST', { authorization: `Bearer ${user.token}` });
}

export async function signOut(): Promise<void> {
  await send('DELETE', {});
}

async function send(method: string, headers: Record<string, string>): Promise<void> {
  const response = await fetch('/session', { method, headers }).catch(() => null);
  if (response?.ok) return;
  throw new Error(response ? `The server refused (${response.status}).` : 'The server cannot be reached.');
}
