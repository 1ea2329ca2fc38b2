import type { ReactNode } from 'react';
import { Icon } from '../ui/icon';

interface NoticeProps {
  tone: 'good' | 'bad' | 'wait';
  children: ReactNode;
  onDismiss?: () => void;
}

export function Notice({ tone, children, onDismiss }: NoticeProps) {
  return (
    <div className={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon name={tone === 'good' ? 'check' : 'alert'} />
      <div>{children}</div>
      {onDismiss && (
        <button type="button" className="quiet" aria-label="Dismiss" onClick={onDismiss}>
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}
