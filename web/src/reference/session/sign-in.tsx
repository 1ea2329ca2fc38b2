import { useState } from 'react';
import type { DevUser } from '../../shared/users';
import { messageOf } from '../graphql/request';
import { Avatar } from '../ui/avatar';
import { Brand } from '../ui/brand';
import { Icon } from '../ui/icon';
import { DeveloperLinks } from '../ui/developer-links';

/** The door of a development server: no passwords, one click per demo user. */
export function SignIn({ users, onEnter }: { users: DevUser[]; onEnter: (user: DevUser) => Promise<void> }) {
  const [entering, setEntering] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const workspaces = [...new Set(users.map((user) => user.workspace))];

  const enter = async (user: DevUser) => {
    setEntering(user.id);
    setProblem(null);
    try {
      await onEnter(user);
    } catch (error) {
      setProblem(messageOf(error));
      setEntering(null);
    }
  };

  return (
    <main className="door">
      <Brand />
      <h1>Who are you today?</h1>
      <p className="lead">This is a development server. Pick a demo user to see their notifications.</p>
      {problem && (
        <p className="notice bad" role="alert">
          <Icon name="alert" /> <span>{problem}</span>
        </p>
      )}
      {users.length === 0 && <p className="notice">There are no demo users on this server.</p>}
      {workspaces.map((workspace) => (
        <section key={workspace} aria-label={workspace}>
          <h2>{workspace}</h2>
          <ul className="people">
            {users
              .filter((user) => user.workspace === workspace)
              .map((user) => (
                <li key={user.id}>
                  <button type="button" disabled={entering !== null} onClick={() => void enter(user)}>
                    <Avatar name={user.name} />
                    <span className="who">
                      <b>{user.name}</b>
                      <small>{user.scopes.length > 0 ? user.scopes.join(', ') : 'member'}</small>
                    </span>
                    {entering === user.id ? <span className="spinner" aria-label="Signing in" /> : <Icon name="arrow" />}
                  </button>
                </li>
              ))}
          </ul>
        </section>
      ))}
      <DeveloperLinks />
    </main>
  );
}
