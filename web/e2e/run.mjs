// Runs the browser tests against a server that is up:
//   npm run e2e -- --url http://localhost:8080 [--shots DIR] [--only playground]
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://localhost:8080' },
    shots: { type: 'string' },
    only: { type: 'string', default: '' },
    chromium: { type: 'string' },
  },
});
const chromium = values.chromium ?? findBrowser();
if (!chromium || !existsSync(chromium)) {
  console.error(`There is no browser${chromium ? ` at ${chromium}` : ''}: install Debian's chromium, or name one with --chromium.`);
  process.exit(2);
}
if (values.shots) mkdirSync(values.shots, { recursive: true });

const here = new URL('./', import.meta.url).pathname;
const files = readdirSync(here)
  .filter((name) => name.endsWith('.test.mjs') && name.includes(values.only))
  .map((name) => here + name);
// One file after the other: they share a server, and a person's inbox is part of what they look at.
const child = spawn(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files], {
  stdio: 'inherit',
  env: {
    ...process.env,
    E2E_URL: new URL(values.url).origin,
    E2E_SHOTS: values.shots ? resolve(values.shots) : '',
    E2E_CHROMIUM: chromium,
  },
});
child.on('exit', (code) => process.exit(code ?? 1));

/** The first browser on the PATH that the tests can drive. */
function findBrowser() {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      if (folder && existsSync(join(folder, name))) return join(folder, name);
    }
  }
  return undefined;
}
