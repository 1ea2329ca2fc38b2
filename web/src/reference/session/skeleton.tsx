import { Brand } from '../ui/brand';

/** The page's outline while it loads, in its own measures, so that nothing moves when the content comes. */
export function Skeleton() {
  return (
    <div aria-busy="true" aria-label="Loading">
      <header className="top">
        <Brand />
      </header>
      <div className="page">
        <div className="card inbox" />
        <div className="column">
          <div className="card ghost" />
          <div className="card settings" />
        </div>
      </div>
    </div>
  );
}
