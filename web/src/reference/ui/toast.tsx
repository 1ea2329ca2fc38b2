import { createContext, useCallback, useContext, useMemo, useRef, useState, type ReactNode } from 'react';
import { Icon } from './icon';

type Tone = 'good' | 'bad';
type Say = (tone: Tone, text: string) => void;

const ToastContext = createContext<Say>(() => {});

/** Gives everything below it a voice: short messages in a corner, read aloud by screen readers. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<{ id: number; tone: Tone; text: string }[]>([]);
  const nextId = useRef(0);

  const dismiss = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), []);
  const say = useCallback<Say>(
    (tone, text) => {
      const id = nextId.current++;
      // The same words twice are one message: the newest is kept.
      setToasts((all) => [...all.filter((toast) => toast.text !== text).slice(-3), { id, tone, text }]);
      setTimeout(() => dismiss(id), tone === 'bad' ? 10_000 : 5_000);
    },
    [dismiss],
  );

  const list = useMemo(
    () =>
      toasts.map((toast) => (
        <div key={toast.id} className={`toast ${toast.tone}`}>
          <Icon name={toast.tone === 'bad' ? 'alert' : 'check'} />
          <span>{toast.text}</span>
          <button type="button" className="quiet" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
            <Icon name="close" />
          </button>
        </div>
      )),
    [toasts, dismiss],
  );

  return (
    <ToastContext value={say}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {list}
      </div>
    </ToastContext>
  );
}

export function useToast(): Say {
  return useContext(ToastContext);
}
