import type { Client } from '../client.ts'
import { addressOf } from '../state/address.ts'
import type { ViewState } from '../state/view-state.ts'
import { SAVED, type SavedCopy } from './saved-copy.ts'

/** Makes a page of one file, which shows without the command all that was looked at, and starts its download. */
export async function savePage(client: Client, state: ViewState, title: string): Promise<void> {
  const copy: SavedCopy = {
    state: addressOf(state),
    date: new Date().toISOString(),
    answers: Object.fromEntries(client.answers),
  }
  const page = await wholePage(JSON.stringify(copy, shortened).replaceAll('<', '\\u003c'))
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([page], { type: 'text/html' }))
  link.download = `${title.replaceAll('/', '-').replace(/\.onnx$/, '')}.html`
  link.click()
  URL.revokeObjectURL(link.href)
}

/** Six digits of a number are as many as the page shows. */
const shortened = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value

const textAt = async (address: string): Promise<string> => (await fetch(address)).text()

/** The page with its styles and its program inside, and a saved copy as JSON. */
async function wholePage(json: string): Promise<string> {
  const page = await textAt('./')
  const [, script = ''] = /<script[^>]* src="([^"]+)"/.exec(page) ?? []
  const [, styles = ''] = /<link rel="stylesheet"[^>]* href="([^"]+)"/.exec(page) ?? []
  const [program, css] = await Promise.all([textAt(script), textAt(styles)])
  const whole = await withParts(program, script)
  return page
    .replace(/<script[^>]*><\/script>/, '')
    .replace(/<link rel="stylesheet"[^>]*>/, () => `<style>${css}</style>`)
    .replace(
      /<\/body>/,
      () =>
        `<script type="application/json" id="${SAVED}">${json}</script><script type="module">${whole.replaceAll('</script', '<\\/script')}</script></body>`,
    )
}

/** The program with the parts inside that it would load when they are needed. */
async function withParts(program: string, from: string): Promise<string> {
  let whole = program
  for (const [, name] of program.matchAll(/import\([`"](\.\/[^`"]+\.js)[`"]\)/g)) {
    const text = await textAt(from.replace(/[^/]+$/, name.slice(2)))
    whole = whole.replaceAll(name, () => `data:text/javascript,${encodeURIComponent(text)}`)
  }
  return whole
}
