import './workers.js';
import 'graphiql/style.css';
import './playground.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { loadDevUsers } from '../shared/users';
import { Playground } from './playground';

const root = createRoot(document.getElementById('root')!);

// The example tabs name real users, and GraphiQL takes its default tabs only once: so the users come first.
const users = await loadDevUsers().catch(() => null);
root.render(
  <StrictMode>
    <Playground users={users ?? []} />
  </StrictMode>,
);
