// A browser for tests, and pages that remember everything that should not happen on them.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

/** The origin under test. */
export const origin = process.env.E2E_URL ?? 'http://localhost:8080';

const shots = process.env.E2E_SHOTS ?? '';

export function launch() {
  return chromium.launch({
    executablePath: process.env.E2E_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/**
 * Opens a page in a context of its own (cookies, storage). `expectClean` fails on anything that was asked of another
 * host, on every error of the console (a violated policy is one) and on every uncaught exception.
 */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const foreign = [];
  const problems = [];
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (/^(https?|wss?):$/.test(url.protocol) && url.host !== new URL(origin).host) foreign.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  const expectClean = (allowed = /^$/) => {
    assert.deepEqual(foreign, [], 'requests to other hosts');
    assert.deepEqual(
      problems.filter((problem) => !allowed.test(problem)),
      [],
      'errors in the console',
    );
  };
  return { context, page, expectClean };
}

/** Saves what the page looks like, when somebody asked for pictures. */
export async function shot(page, name, options = {}) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), animations: 'disabled', ...options });
}

/** The demo users of the server under test. */
export async function demoUsers() {
  const response = await fetch(`${origin}/playground/users.json`);
  assert.equal(response.status, 200, 'the server under test has no demo users: is it a development server?');
  return response.json();
}

/** Waits until something holds, with a deadline: for what no locator can express. */
export async function eventually(what, check, timeout = 15_000) {
  const deadline = Date.now() + timeout;
  for (;;) {
    const result = await check();
    if (result) return result;
    if (Date.now() > deadline) assert.fail(`not within ${timeout} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
