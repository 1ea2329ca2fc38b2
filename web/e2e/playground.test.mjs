import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pair, publishDealWon } from './support/api.mjs';
import { demoUsers, eventually, launch, openPage, origin, shot } from './support/browser.mjs';

describe('playground', () => {
  let browser;
  let publisher;
  let recipient;

  before(async () => {
    browser = await launch();
    ({ publisher, recipient } = pair(await demoUsers()));
  });
  after(() => browser?.close());

  const tab = (page, name) => page.getByRole('tab', { name });
  const run = (page) => page.getByRole('button', { name: /^Execute query/ }).click();
  // Monaco wraps long lines anywhere and draws odd spaces, so only what is between the spaces is compared.
  const bare = (text) => text.replace(/\s+/g, '');
  const answers = async (page, text) => bare(await page.locator('.result-window').innerText()).includes(bare(text));

  async function open(options) {
    const opened = await openPage(browser, options);
    await opened.page.goto(`${origin}/playground/`);
    await opened.page.getByRole('tab', { name: 'SettingsPage' }).waitFor();
    return opened;
  }

  test('runs a query as the person who was picked', async () => {
    const { context, page, expectClean } = await open();
    await page.getByLabel('Act as').selectOption(recipient.id);
    await run(page);
    await eventually('the name in the answer', () => answers(page, recipient.name));
    await shot(page, 'playground-query');
    expectClean();
    await context.close();
  });

  test('offers every example and knows the schema', async () => {
    const { context, page, expectClean } = await open();
    for (const name of ['SettingsPage', 'InboxPage', 'ConnectCliq', 'UpdatePreferences', 'PublishEvent', 'InboxChanged']) {
      await tab(page, name).click();
      // A wavy line under an operation means that it does not fit the schema of this server.
      assert.equal(await page.locator('.graphiql-query-editor .squiggly-error').count(), 0, name);
    }
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.getByRole('link', { name: 'Subscription', exact: true }).click();
    await page.getByRole('link', { name: 'inboxChanged' }).first().waitFor();
    await shot(page, 'playground-docs');
    expectClean();
    await context.close();
  });

  test('a subscription shows an event while it is open', async () => {
    const { context, page, expectClean } = await open();
    await page.getByLabel('Act as').selectOption(recipient.id);
    await tab(page, 'InboxChanged').click();
    await run(page);
    await eventually('the first message', () => answers(page, 'STARTED'));
    const title = `Live in the playground ${Date.now()}`;
    await publishDealWon(publisher, recipient, title);
    await eventually('the event', () => answers(page, title));
    await shot(page, 'playground-subscription');
    await page.getByRole('button', { name: /^Stop query/ }).click();
    expectClean();
    await context.close();
  });

  test('the address without its slash leads to the page', async () => {
    const { context, page } = await openPage(browser);
    await page.goto(`${origin}/playground`);
    assert.equal(page.url(), `${origin}/playground/`);
    await context.close();
  });
});
