// Checks every operation of the pages against the server's schema, so that a renamed field fails here and not in a
// browser.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildSchema, parse, Source, validate } from 'graphql';

const web = new URL('../', import.meta.url).pathname;
const schema = buildSchema(readFileSync(join(web, '../schema.graphqls'), 'utf8'));

let files = 0;
let problems = 0;
for (const entry of readdirSync(join(web, 'src'), { recursive: true, withFileTypes: true })) {
  if (!entry.name.endsWith('.graphql')) continue;
  const path = join(entry.parentPath, entry.name);
  const name = relative(web, path);
  files += 1;
  try {
    for (const error of validate(schema, parse(new Source(readFileSync(path, 'utf8'), name)))) {
      problems += 1;
      console.error(`${error}\n`);
    }
  } catch (error) {
    problems += 1;
    console.error(`${error}\n`);
  }
}
console.log(`${files} documents checked against schema.graphqls: ${problems} problems`);
process.exitCode = problems > 0 || files === 0 ? 1 : 0;
