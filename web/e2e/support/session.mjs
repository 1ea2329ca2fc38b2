// The reference page as one of the demo users sees it.
import { openPage, origin } from './browser.mjs';

/** Signed out, the page asks once who is there, and the browser notes the 401 in its console. */
export const signedOut = /status of 401/;

/** Opens the page and signs in by a click on the person's name; returns when the live stream runs. */
export async function signIn(browser, user, options) {
  const opened = await openPage(browser, options);
  await opened.page.goto(`${origin}/`);
  await opened.page.getByRole('button', { name: user.name }).click();
  await live(opened.page);
  return opened;
}

export async function live(page) {
  await page.getByText('Live', { exact: true }).waitFor({ state: 'attached' });
}

/** The number beside "Inbox". */
export async function unread(page) {
  return Number.parseInt(await page.locator('.count').innerText(), 10);
}
