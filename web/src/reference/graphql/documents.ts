import source from './operations.graphql?raw';

const definitions = new Map<string, string>();
for (const [text, name] of source.matchAll(/^(?:query|mutation|subscription|fragment) (\w+)[\s\S]*?^}$/gm)) {
  definitions.set(name!, text);
}

/** The text of one operation with the fragments it needs, and no others: that is what goes over the wire. */
export function documentOf(operation: string): string {
  const parts: string[] = [];
  const add = (name: string) => {
    const text = definitions.get(name);
    if (text === undefined) throw new Error(`There is no definition ${name}.`);
    if (parts.includes(text)) return;
    parts.push(text);
    for (const [, fragment] of text.matchAll(/\.\.\.(\w+)/g)) {
      // `... on Type` has a blank after the dots and is not matched.
      add(fragment!);
    }
  };
  add(operation);
  return parts.join('\n');
}
