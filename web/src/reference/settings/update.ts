import type { Category, Person, Refusal, Setting, Settings, SettingsHead } from '../graphql/types';

/** What every settings mutation answers. */
export interface SettingsPayload {
  settings: SettingsHead;
  changed: Setting[];
  userErrors: Refusal[];
  skipped?: { eventType: string }[];
}

/** Lays an answer over what the page shows: the head whole, and the events of which anything is different now. */
export function withAnswer(person: Person, payload: SettingsPayload): Person {
  const shown = person.notificationSettings;
  // Answers of requests that overlap, and of other tabs by the stream, may come in any order: the older loses.
  if (payload.settings.revision < shown.revision) return person;
  const changed = new Map(payload.changed.map((setting) => [setting.id, setting]));
  const categories = shown.categories.map((category) => ({
    ...category,
    events: category.events.map((setting) => changed.get(setting.id) ?? setting),
  }));
  return { ...person, notificationSettings: { ...payload.settings, categories } };
}

/** Takes a whole new person, but never settings that are older than those shown: it may have been read before them. */
export function withPerson(shown: Person, next: Person): Person {
  if (next.notificationSettings.revision >= shown.notificationSettings.revision) return next;
  return { ...next, notificationSettings: shown.notificationSettings };
}

/** Whether all, some or none of a category's cells on one channel are on. Locked ones do not count: nobody can move them. */
export function stateOf(category: Category, channel: string): 'all' | 'some' | 'none' | 'locked' {
  const cells = category.events.flatMap((setting) => setting.cells.filter((cell) => cell.channel === channel));
  const free = cells.filter((cell) => !cell.locked);
  if (free.length === 0) return 'locked';
  const on = free.filter((cell) => cell.enabled).length;
  return on === 0 ? 'none' : on === free.length ? 'all' : 'some';
}

/** The part of the settings that matches what was typed: an event by its own words or by its category's. */
export function matching(settings: Settings, search: string): Category[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return settings.categories;
  return settings.categories
    .map((category) => ({
      ...category,
      events: category.events.filter((setting) => {
        const text = `${category.label} ${setting.label} ${setting.description} ${setting.eventType}`.toLowerCase();
        return words.every((word) => text.includes(word));
      }),
    }))
    .filter((category) => category.events.length > 0);
}
