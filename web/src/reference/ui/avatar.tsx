/** A person's initials. Their name stands beside it. */
export function Avatar({ name }: { name: string }) {
  const words = name.trim().split(/\s+/);
  const initials = [words[0], words.length > 1 ? words.at(-1) : '']
    // By code point: a name may begin with a character outside the first plane.
    .map((word) => Array.from(word ?? '')[0] ?? '')
    .join('');
  return (
    <span className="avatar" data-hue={hueOf(name)} aria-hidden="true">
      {initials.toUpperCase()}
    </span>
  );
}

function hueOf(name: string): number {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)!) % 997;
  return sum % 6;
}
