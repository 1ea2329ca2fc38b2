import './styles/base.css';
import './styles/controls.css';
import './styles/feedback.css';
import './styles/layout.css';
import './styles/inbox.css';
import './styles/settings.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { takeConnectReturn } from './cliq/connect-return';
import { ToastProvider } from './ui/toast';

// Before anything is drawn: the address carries a one-time ticket, which must not stay in the history.
const connectReturn = takeConnectReturn();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <ToastProvider>
      <App connectReturn={connectReturn} />
    </ToastProvider>
  </StrictMode>,
);
