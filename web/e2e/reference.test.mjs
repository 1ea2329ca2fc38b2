import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { graphql, pair, publishDealWon, resetPerson } from './support/api.mjs';
import { demoUsers, eventually, launch, openPage, origin, shot } from './support/browser.mjs';
import { signedOut, signIn, unread } from './support/session.mjs';

describe('reference page', () => {
  let browser;
  let publisher;
  let recipient;

  before(async () => {
    browser = await launch();
    ({ publisher, recipient } = pair(await demoUsers()));
    await resetPerson(recipient);
    await publishDealWon(publisher, recipient, 'Before the page was opened');
  });
  after(() => browser?.close());

  test('signs in, stays signed in and signs out', async () => {
    const { context, page, expectClean } = await openPage(browser);
    await page.goto(`${origin}/`);
    await page.getByRole('heading', { name: 'Who are you today?' }).waitFor();
    await shot(page, 'sign-in');
    await page.getByRole('button', { name: recipient.name }).click();
    await page.getByRole('heading', { name: 'Inbox' }).waitFor();
    await shot(page, 'home');
    await page.reload();
    await page.getByRole('heading', { name: 'Inbox' }).waitFor();
    assert.ok((await context.cookies()).every((cookie) => cookie.httpOnly), 'a cookie that scripts can read');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Who are you today?' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Who are you today?' }).waitFor();
    expectClean(signedOut);
    await context.close();
  });

  test('connects Zoho Cliq, tests it and disconnects', async () => {
    await resetPerson(recipient);
    const { context, page, expectClean } = await signIn(browser, recipient);
    const card = page.getByRole('region', { name: 'Zoho Cliq' });
    await card.getByText('Not connected').waitFor();
    await card.getByLabel('Region').selectOption('IN');

    await card.getByLabel('Bot unique name or URL').fill('not a bot!');
    await card.getByRole('button', { name: 'Connect' }).click();
    await card.locator('[aria-invalid="true"]').waitFor();
    await card.getByLabel('Bot unique name or URL').fill('heffl-notifications');
    await card.getByRole('button', { name: 'Connect' }).click();

    await page.getByRole('button', { name: 'Accept' }).waitFor();
    await shot(page, 'consent');
    await page.getByRole('button', { name: 'Accept' }).click();

    await card.getByText('Zoho Cliq is connected.').waitFor();
    await card.getByText('India (.in)').waitFor();
    assert.equal(page.url(), `${origin}/`, 'the result stays in the address');
    await card.getByRole('button', { name: 'Send test message' }).click();
    await page.getByText('The test message was delivered.').waitFor();
    await shot(page, 'connected');

    await card.getByRole('button', { name: 'Change bot' }).click();
    await card.getByLabel('Bot unique name or URL').fill('hefflbot');
    await card.getByRole('button', { name: 'Save' }).click();
    await card.getByText('hefflbot', { exact: true }).waitFor();

    await card.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
    await card.getByText('Not connected').waitFor();
    expectClean(signedOut);
    await context.close();
  });

  test('says so when consent is refused', async () => {
    await resetPerson(recipient);
    const { context, page } = await signIn(browser, recipient);
    const card = page.getByRole('region', { name: 'Zoho Cliq' });
    await card.getByLabel('Bot unique name or URL').fill('heffl-notifications');
    await card.getByRole('button', { name: 'Connect' }).click();
    await page.getByRole('button', { name: 'Reject' }).click();
    await card.getByRole('alert').waitFor();
    await card.getByText('Not connected').waitFor();
    assert.equal(page.url(), `${origin}/`);
    await shot(page, 'refused');
    await context.close();
  });

  test('a switch is saved, survives a reload and shows in another tab at once', async () => {
    await resetPerson(recipient);
    const { context, page, expectClean } = await signIn(browser, recipient);
    const other = await context.newPage();
    await other.goto(`${origin}/`);
    await other.getByText('Live', { exact: true }).waitFor();

    const name = 'Deal won: E-mail';
    const toggle = page.getByRole('switch', { name });
    assert.equal(await toggle.isChecked(), true);
    await toggle.press('Space');
    assert.equal(await toggle.isChecked(), false, 'the switch waits for the server');
    await eventually('the other tab', async () => !(await other.getByRole('switch', { name }).isChecked()));
    await page.reload();
    await toggle.waitFor({ state: 'attached' });
    assert.equal(await toggle.isChecked(), false);

    const { viewer } = await graphql(
      recipient,
      '{ viewer { notificationSettings { categories { events { eventType cells { channel enabled source } } } } } }',
    );
    const settings = viewer.notificationSettings.categories.flatMap((category) => category.events);
    const cell = settings.find((setting) => setting.eventType === 'deal.won').cells.find(({ channel }) => channel === 'EMAIL');
    assert.deepEqual(cell, { channel: 'EMAIL', enabled: false, source: 'USER' });
    expectClean(signedOut);
    await context.close();
  });

  test('a master switch, a whole category, the search and the reset', async () => {
    await resetPerson(recipient);
    const { context, page, expectClean } = await signIn(browser, recipient);
    await page.getByRole('switch', { name: 'E-mail notifications' }).press('Space');
    const all = page.getByRole('checkbox', { name: 'All Deals events: E-mail' });
    await all.click();
    await eventually('the whole category', () => all.isChecked());
    await page.getByRole('searchbox', { name: 'Find an event' }).fill('invoice');
    assert.equal(await page.getByRole('switch', { name: 'Deal won: E-mail' }).count(), 0);
    await shot(page, 'search');
    await page.getByRole('searchbox', { name: 'Find an event' }).fill('');
    await page.getByRole('button', { name: 'Reset' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Reset' }).click();
    await eventually('the defaults', async () => !(await all.isChecked()));
    assert.equal(await page.getByRole('switch', { name: 'E-mail notifications' }).isChecked(), false, 'a reset leaves the master switches');
    expectClean(signedOut);
    await context.close();
  });

  test('an event fired in the sandbox arrives by itself and is read on a click', async () => {
    const { context, page, expectClean } = await signIn(browser, recipient);
    const before = await unread(page);
    const title = `Fired at ${Date.now()}`;

    const sandbox = await context.newPage();
    await sandbox.goto(`${origin}/sandbox/?event=deal.won`);
    for (const box of await sandbox.getByRole('checkbox', { name: publisher.name }).all()) await box.uncheck();
    await sandbox.locator(`input[name="recipient"][value="${recipient.id}"]`).check();
    await sandbox.getByLabel('Who did it').selectOption(publisher.id);
    await sandbox.locator('input[name="field.dealTitle"]').fill(title);
    await sandbox.getByRole('button', { name: 'Fire', exact: true }).click();

    const row = page.getByRole('listitem').filter({ hasText: title });
    await row.waitFor();
    assert.equal(await unread(page), before + 1);
    await shot(page, 'live');
    await row.getByRole('button').first().click();
    await eventually('the count', async () => (await unread(page)) === before);
    await row.getByText('In-app').waitFor();
    await shot(page, 'unfolded');
    await row.getByRole('button', { name: 'Archive' }).click();
    await row.waitFor({ state: 'detached' });
    expectClean(signedOut);
    await context.close();
  });
});
