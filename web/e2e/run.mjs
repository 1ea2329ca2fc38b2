// Runs the browser tests against a server that is up:
//   npm run e2e -- --url http://localhost:8080 [--shots DIR] [--only playground]
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://localhost:8080' },
    shots: { type: 'string' },
    only: { type: 'string', default: '' },
    chromium: { type: 'string', default: '/usr/bin/chromium' },
  },
});
if (!existsSync(values.chromium)) {
  console.error(`There is no browser at ${values.chromium}: install Debian's chromium, or name one with --chromium.`);
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
    E2E_CHROMIUM: values.chromium,
  },
});
child.on('exit', (code) => process.exit(code ?? 1));
