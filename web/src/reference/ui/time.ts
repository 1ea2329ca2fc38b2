import { useEffect, useState } from 'react';

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const date = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' });
const full = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeStyle: 'medium' });

/** "2 minutes ago" within a week, a date before that. */
export function ago(iso: string, now: number): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  const elapsed = Math.abs(seconds);
  if (elapsed < 45) return 'just now';
  if (elapsed < 3600) return relative.format(Math.round(seconds / 60), 'minute');
  if (elapsed < 86_400) return relative.format(Math.round(seconds / 3600), 'hour');
  if (elapsed < 7 * 86_400) return relative.format(Math.round(seconds / 86_400), 'day');
  return date.format(new Date(iso));
}

/** The exact moment, in the reader's own time zone. */
export function exactly(iso: string): string {
  return full.format(new Date(iso));
}

/** The time of day, renewed every half minute, for what is shown relative to it. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
