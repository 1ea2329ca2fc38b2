// What the reference page does when something is not as it should be.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { graphql, pair, publishDealWon, resetPerson } from './support/api.mjs';
import { demoUsers, eventually, launch, openPage, origin, shot } from './support/browser.mjs';
import { live, signIn, unread } from './support/session.mjs';

describe('reference page in trouble', () => {
  let browser;
  let publisher;
  let recipient;

  before(async () => {
    browser = await launch();
    ({ publisher, recipient } = pair(await demoUsers()));
  });
  after(() => browser?.close());

  /** Puts the test between the page and the server's socket: it can listen, cut the connection and keep it cut. */
  async function intercept(context) {
    const line = { up: true, sent: [], sockets: [] };
    await context.routeWebSocket(/\/graphql$/, (socket) => {
      if (!line.up) {
        void socket.close({ code: 1012 });
        return;
      }
      const server = socket.connectToServer();
      line.sockets.push(socket);
      socket.onMessage((message) => {
        line.sent.push(JSON.parse(String(message)));
        server.send(message);
      });
    });
    line.cut = async (code) => {
      line.up = false;
      await Promise.all(line.sockets.splice(0).map((socket) => socket.close({ code })));
    };
    return line;
  }

  test('goes on from its cursor after the connection was cut: nothing lost, nothing twice', async () => {
    const { context, page } = await openPage(browser);
    const line = await intercept(context);
    await page.goto(`${origin}/`);
    await page.getByRole('button', { name: recipient.name }).click();
    await live(page);
    const before = await unread(page);
    const first = `Before the cut ${Date.now()}`;
    await publishDealWon(publisher, recipient, first);
    await page.getByRole('listitem').filter({ hasText: first }).waitFor();

    await line.cut(1012);
    await page.getByText('Reconnecting…').waitFor();
    const second = `While it was cut ${Date.now()}`;
    await publishDealWon(publisher, recipient, second);
    await shot(page, 'reconnecting');
    line.sent.length = 0;
    line.up = true;

    await page.getByRole('listitem').filter({ hasText: second }).waitFor({ timeout: 30_000 });
    assert.equal(await page.getByRole('listitem').filter({ hasText: first }).count(), 1);
    assert.equal(await page.getByRole('listitem').filter({ hasText: second }).count(), 1);
    assert.equal(await unread(page), before + 2);
    const again = line.sent.find(({ payload }) => payload?.operationName === 'InboxChanged');
    assert.ok(again.payload.variables.after, 'the stream was opened anew instead of resumed');

    await page.getByRole('button', { name: 'Mark all read' }).click();
    await eventually('nothing unread', async () => (await unread(page)) === 0);
    await context.close();
  });

  test('an ended session leads back to the sign-in', async () => {
    const { context, page } = await openPage(browser);
    const line = await intercept(context);
    await page.goto(`${origin}/`);
    await page.getByRole('button', { name: recipient.name }).click();
    await live(page);
    await context.clearCookies();
    await line.cut(4403);
    await page.getByRole('heading', { name: 'Who are you today?' }).waitFor();
    await page.getByText('Your session has ended.').waitFor();
    await context.close();
  });

  test('a browser without the connect cookie finishes by its ticket', async () => {
    await resetPerson(recipient);
    const { context, page } = await signIn(browser, recipient);
    const card = page.getByRole('region', { name: 'Zoho Cliq' });
    await card.getByLabel('Region').selectOption('EU');
    await card.getByLabel('Bot unique name or URL').fill('heffl-notifications');
    await card.getByRole('button', { name: 'Connect' }).click();
    await page.getByRole('button', { name: 'Accept' }).waitFor();
    await context.clearCookies({ name: 'heffl_connect' });
    const redeemed = page.waitForRequest((request) => request.postData()?.includes('CompleteCliqConnect') ?? false);
    await page.getByRole('button', { name: 'Accept' }).click();
    await redeemed;
    await card.getByText('Zoho Cliq is connected.').waitFor();
    assert.equal(page.url(), `${origin}/`, 'the ticket stays in the address');
    await context.close();
  });

  test('a problem of the connection is shown with its remedy, and is gone when it is solved', async () => {
    await resetPerson(recipient);
    const { context, page } = await signIn(browser, recipient);
    const card = page.getByRole('region', { name: 'Zoho Cliq' });
    await card.getByLabel('Bot unique name or URL').fill('no-such-bot');
    await card.getByRole('button', { name: 'Connect' }).click();
    await page.getByRole('button', { name: 'Accept' }).click();
    await card.getByRole('button', { name: 'Send test message' }).click();
    await card.getByText('Needs attention').waitFor();
    await shot(page, 'problem');
    const { viewer } = await graphql(recipient, '{ viewer { cliq { problem { remedy } } } }');
    await card.getByText(viewer.cliq.problem.remedy).first().waitFor();
    await card.getByRole('button', { name: 'Change bot' }).click();
    await card.getByLabel('Bot unique name or URL').fill('heffl-notifications');
    await card.getByRole('button', { name: 'Save' }).click();
    await card.getByText('Connected', { exact: true }).first().waitFor();
    await eventually('the problem', async () => (await card.getByText('Needs attention').count()) === 0);
    await context.close();
  });

  test('a server without demo users says what it is', async () => {
    const { context, page } = await openPage(browser);
    await page.route('**/playground/users.json', (route) => route.fulfill({ status: 404, body: 'Not found.' }));
    await page.goto(`${origin}/`);
    await page.getByRole('heading', { name: 'This is the notification API of Heffl.' }).waitFor();
    await shot(page, 'api-only');
    await page.goto(`${origin}/playground/`);
    await page.getByLabel('Bearer token').fill(recipient.token);
    await page.getByLabel('Bearer token').press('Enter');
    await page.getByRole('button', { name: /^Execute query/ }).click();
    await eventually('the name in the answer', async () =>
      (await page.locator('.result-window').innerText()).replaceAll('\u00a0', ' ').includes(recipient.name),
    );
    await context.close();
  });

  test('a server that does not answer is told in words, and tried again', async () => {
    const { context, page } = await openPage(browser);
    await page.route('**/graphql', (route) => route.abort());
    await page.goto(`${origin}/`);
    await page.getByRole('alert').filter({ hasText: 'cannot be reached' }).waitFor();
    await shot(page, 'unreachable');
    await page.unroute('**/graphql');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'Who are you today?' }).waitFor();
    await context.close();
  });

  test('a change that the server did not take is undone on the page', async () => {
    await resetPerson(recipient);
    const { context, page } = await signIn(browser, recipient);
    await page.route('**/graphql', (route) => route.abort());
    const toggle = page.getByRole('switch', { name: 'Deal won: E-mail' });
    await toggle.press('Space');
    await page.getByText('The server cannot be reached.').waitFor();
    await eventually('the switch is back', () => toggle.isChecked());
    await context.close();
  });
});
