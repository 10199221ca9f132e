import test, { type ExecutionContext } from 'ava'
import type { Browser, Page } from 'playwright-core'
import { chromiumPath, launch } from '../browser/site.ts'
import { loaded, type Scheme, testPage } from './page.ts'
import { type Viewing, view } from './viewing.ts'

/** Declares a test that needs a browser. It is skipped if there is none. */
export const run = chromiumPath ? test.serial : test.serial.skip

/** The browser, a running `onnsight view` and a model to compare with, which all tests of a file share. */
export interface Started<M> {
  readonly browser: Browser
  readonly viewing: Viewing
  readonly model: M
}

/** Starts what the tests of a file share, and ends it after them. Without a browser nothing is started. */
export async function start<M extends { release(): Promise<void> }>(
  args: readonly string[],
  load: () => Promise<M>,
): Promise<Started<M>> {
  if (!chromiumPath) {
    test.before(t => t.log('Skipped: no Chromium here; apt-get install chromium, or set CHROMIUM.'))
    return {} as Started<M>
  }
  const [viewing, model, browser] = await Promise.all([view(args), load(), launch()])
  test.after.always(async () => {
    await browser.close()
    await Promise.all([viewing.end(), model.release()])
  })
  return { browser, viewing, model }
}

/** Returns a function that declares a test of the page in a state that the address holds. The test fails if the console has an error. */
export const testsAt =
  ({ browser, viewing }: Started<unknown>) =>
  (
    title: string,
    state: Readonly<Record<string, string>>,
    body: (t: ExecutionContext, page: Page) => Promise<void>,
    scheme: Scheme = 'light',
  ): void =>
    run(title, t =>
      testPage(t, browser, { url: `${viewing.url}#${new URLSearchParams(state)}`, scheme }, async page => {
        await loaded(page)
        await body(t, page)
      }),
    )
