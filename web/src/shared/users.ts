/** A demo user of a development server, with a token made for this page. */
export interface DevUser {
  id: string;
  name: string;
  workspace: string;
  scopes: string[];
  token: string;
}

/** The demo users, or null where there are none: a production server answers 404. */
export async function loadDevUsers(): Promise<DevUser[] | null> {
  const response = await fetch('/playground/users.json', { headers: { accept: 'application/json' } });
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return (await response.json()) as DevUser[];
}
