import { useCallback, useEffect, useState } from 'react';
import { loadDevUsers, type DevUser } from '../shared/users';
import type { ConnectReturn } from './cliq/connect-return';
import { messageOf, request, RequestError } from './graphql/request';
import type { InboxTop, Person, Region } from './graphql/types';
import { Home } from './home';
import { ApiOnly } from './session/api-only';
import { Failure } from './session/failure';
import { signIn, signOut } from './session/session';
import { SignIn } from './session/sign-in';
import { Skeleton } from './session/skeleton';
import { useToast } from './ui/toast';

/** Everything the signed-in page begins with: one round trip. */
export interface Page {
  viewer: Person & { inbox: InboxTop };
  cliqRegions: Region[];
}

type Phase =
  | { kind: 'loading' }
  | { kind: 'signed-in'; page: Page }
  | { kind: 'signed-out' }
  | { kind: 'failed'; message: string };

/** Decides between the four things this address can be: the app, its sign-in, a plain word about the API, an error. */
export function App({ connectReturn }: { connectReturn: ConnectReturn | null }) {
  const [users, setUsers] = useState<DevUser[] | null>(null);
  const [phase, setPhase] = useState<Phase>({ kind: 'loading' });
  const say = useToast();

  const load = useCallback(async () => {
    const [known, page] = await Promise.allSettled([loadDevUsers(), request<Page>('Page')]);
    if (known.status === 'fulfilled') setUsers(known.value);
    if (page.status === 'fulfilled') {
      setPhase({ kind: 'signed-in', page: page.value });
    } else if (page.reason instanceof RequestError && page.reason.code === 'UNAUTHENTICATED') {
      if (known.status === 'fulfilled') setPhase({ kind: 'signed-out' });
      else setPhase({ kind: 'failed', message: messageOf(known.reason) });
    } else {
      setPhase({ kind: 'failed', message: messageOf(page.reason) });
    }
  }, []);
  useEffect(() => void load(), [load]);

  const retry = () => {
    setPhase({ kind: 'loading' });
    void load();
  };
  const enter = async (user: DevUser) => {
    await signIn(user);
    await load();
  };
  const leave = async () => {
    try {
      await signOut();
      setPhase({ kind: 'signed-out' });
    } catch (error) {
      say('bad', messageOf(error));
    }
  };
  const expired = useCallback(() => {
    // The socket only says that the session was refused; asking once more tells an expired one from a hiccup.
    request('Page').catch((error: unknown) => {
      if (!(error instanceof RequestError) || error.code !== 'UNAUTHENTICATED') return;
      say('bad', 'Your session has ended. Sign in again.');
      setPhase({ kind: 'signed-out' });
    });
  }, [say]);

  switch (phase.kind) {
    case 'loading':
      return <Skeleton />;
    case 'failed':
      return <Failure message={phase.message} onRetry={retry} />;
    case 'signed-out':
      return users ? <SignIn users={users} onEnter={enter} /> : <ApiOnly />;
    case 'signed-in':
      return (
        <Home
          key={phase.page.viewer.id}
          page={phase.page}
          connectReturn={connectReturn}
          developer={users !== null}
          onLeave={leave}
          onExpired={expired}
        />
      );
  }
}
