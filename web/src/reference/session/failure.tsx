import { Brand } from '../ui/brand';

export function Failure({ message, onRetry }: { message: string; onRetry: () => void }) {
  return (
    <main className="door">
      <Brand />
      <h1>That did not work.</h1>
      <p className="lead" role="alert">
        {message}
      </p>
      <p>
        <button type="button" className="primary" onClick={onRetry}>
          Try again
        </button>
      </p>
    </main>
  );
}
