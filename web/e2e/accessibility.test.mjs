// Everybody can use the pages: axe's rules in both colour schemes, the keyboard alone, a phone, and nothing that jumps.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { pair, publishDealWon, resetPerson } from './support/api.mjs';
import { demoUsers, launch, openPage, origin, shot } from './support/browser.mjs';
import { signIn } from './support/session.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe('accessibility', () => {
  let browser;
  let recipient;

  before(async () => {
    browser = await launch();
    const { publisher, recipient: somebody } = pair(await demoUsers());
    recipient = somebody;
    await resetPerson(recipient);
    await publishDealWon(publisher, recipient, 'Something to look at');
  });
  after(() => browser?.close());

  async function violations(page) {
    await page.evaluate(axe);
    return page.evaluate(async () => {
      const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
    });
  }

  for (const colorScheme of ['light', 'dark']) {
    test(`no rule is broken (${colorScheme})`, async () => {
      const door = await openPage(browser, { colorScheme });
      await door.page.goto(`${origin}/`);
      await door.page.getByRole('heading', { name: 'Who are you today?' }).waitFor();
      assert.deepEqual(await violations(door.page), []);
      await door.context.close();

      const { context, page } = await signIn(browser, recipient, { colorScheme });
      assert.deepEqual(await violations(page), []);
      await page.getByRole('button', { name: 'Reset' }).click();
      assert.deepEqual(await violations(page), []);
      await page.keyboard.press('Escape');
      await page.getByRole('list', { name: 'Notifications' }).getByRole('button').first().click();
      await page.locator('.outcomes[aria-busy="false"]').waitFor();
      assert.deepEqual(await violations(page), []);
      await shot(page, `home-${colorScheme}`, { fullPage: true });
      await context.close();
    });
  }

  test('the keyboard alone gets in, opens a category and moves a switch', async () => {
    const { context, page } = await openPage(browser);
    await page.goto(`${origin}/`);
    await page.getByRole('button', { name: recipient.name }).focus();
    await page.keyboard.press('Enter');
    const leads = page.getByRole('button', { name: /^Leads/ });
    await leads.focus();
    await page.keyboard.press('Enter');
    assert.equal(await leads.getAttribute('aria-expanded'), 'true');
    // From the fold through the category's three boxes to the first event.
    for (let step = 0; step < 4; step += 1) await page.keyboard.press('Tab');
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
    assert.match(await focused(), /: In-app$/);
    const toggle = page.getByRole('switch', { name: await focused(), exact: true });
    const was = await toggle.isChecked();
    await page.keyboard.press('Space');
    assert.equal(await toggle.isChecked(), !was);
    await page.keyboard.press('Space');
    await context.close();
  });

  test('works on a phone, in the dark', async () => {
    const { context, page } = await signIn(browser, recipient, {
      viewport: { width: 390, height: 844 },
      colorScheme: 'dark',
      isMobile: true,
      hasTouch: true,
    });
    await page.getByRole('switch', { name: 'Deal won: E-mail' }).waitFor({ state: 'attached' });
    const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(content <= view, `the page is ${content} wide in a window of ${view}`);
    await shot(page, 'phone', { fullPage: true });
    await context.close();
  });

  test('nothing jumps while the page loads', async () => {
    const { context, page } = await signIn(browser, recipient);
    await page.addInitScript(() => {
      window.shifts = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.shifts += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await page.reload();
    await page.getByText('Live', { exact: true }).waitFor();
    const shifts = await page.evaluate(() => window.shifts);
    assert.ok(shifts < 0.01, `layout shift ${shifts}`);
    await context.close();
  });
});
