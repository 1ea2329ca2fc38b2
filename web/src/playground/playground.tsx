import { GraphiQL } from 'graphiql';
import { useEffect, useMemo, useState } from 'react';
import type { DevUser } from '../shared/users';
import { exampleTabs } from './examples';
import { openConnection } from './connection';

const rememberedUser = 'heffl:playground:user';

/** GraphiQL under a bar that says on whose behalf it asks. */
export function Playground({ users }: { users: DevUser[] }) {
  const [userId, setUserId] = useState(() => initialUser(users));
  const [typedToken, setTypedToken] = useState('');
  const user = users.find((candidate) => candidate.id === userId);
  const token = users.length > 0 ? user?.token : typedToken.trim();

  const connection = useMemo(() => openConnection(token), [token]);
  useEffect(() => connection.close, [connection]);
  const [tabs] = useState(() => exampleTabs(users, user));

  const choose = (id: string) => {
    setUserId(id);
    localStorage.setItem(rememberedUser, id);
  };

  return (
    <>
      <header className="bar">
        <a className="brand" href="/">
          <img src="/favicon.svg" alt="" width="22" height="22" />
          <span>Heffl Notifications</span>
        </a>
        <h1>Playground</h1>
        <div className="identity">
          {users.length > 0 ? (
            <UserPicker users={users} value={userId} onChange={choose} />
          ) : (
            <TokenField value={typedToken} onChange={setTypedToken} />
          )}
        </div>
      </header>
      <main className="editor">
        <GraphiQL fetcher={connection.fetcher} defaultTabs={tabs} defaultEditorToolsVisibility="variables" />
      </main>
    </>
  );
}

function UserPicker({ users, value, onChange }: { users: DevUser[]; value: string; onChange: (id: string) => void }) {
  const workspaces = [...new Set(users.map((user) => user.workspace))];
  return (
    <label>
      <span>Act as</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {workspaces.map((workspace) => (
          <optgroup key={workspace} label={workspace}>
            {users
              .filter((user) => user.workspace === workspace)
              .map((user) => (
                <option key={user.id} value={user.id}>
                  {user.name}
                  {user.scopes.length > 0 ? ` (${user.scopes.join(', ')})` : ''}
                </option>
              ))}
          </optgroup>
        ))}
        <option value="">Nobody (the session cookie, if there is one)</option>
      </select>
    </label>
  );
}

function TokenField({ value, onChange }: { value: string; onChange: (token: string) => void }) {
  // Each keystroke would open a new connection: the token counts when the field is left or Enter is pressed.
  const [draft, setDraft] = useState(value);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onChange(draft);
      }}
    >
      <label>
        <span>Bearer token</span>
        <input
          type="password"
          value={draft}
          autoComplete="off"
          spellCheck={false}
          placeholder="Kept in this page only"
          onChange={(event) => setDraft(event.target.value)}
          onBlur={() => onChange(draft)}
        />
      </label>
    </form>
  );
}

function initialUser(users: DevUser[]): string {
  const remembered = localStorage.getItem(rememberedUser);
  if (remembered === '' || users.some((user) => user.id === remembered)) return remembered ?? '';
  return users[0]?.id ?? '';
}
