import { SAVED, type SavedCopy } from './saved-copy.ts'

/** Six digits of a number are as many as the page shows. */
const shortened = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value

/**
 * The page with a saved copy, its styles and its program inside, as one file of HTML.
 * @param textAt reads a file of the page; './' is the page itself
 */
export async function wholePage(copy: SavedCopy, textAt: (address: string) => Promise<string>): Promise<string> {
  const json = JSON.stringify(copy, shortened).replaceAll('<', '\\u003c')
  const page = await textAt('./')
  const [, script = ''] = /<script[^>]* src="([^"]+)"/.exec(page) ?? []
  const [, styles = ''] = /<link rel="stylesheet"[^>]* href="([^"]+)"/.exec(page) ?? []
  const [program, css] = await Promise.all([textAt(script), textAt(styles)])
  const whole = await withParts(program, script, textAt)
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
async function withParts(program: string, from: string, textAt: (address: string) => Promise<string>): Promise<string> {
  let whole = program
  for (const [, name] of program.matchAll(/import\([`"](\.\/[^`"]+\.js)[`"]\)/g)) {
    const text = await textAt(from.replace(/[^/]+$/, name.slice(2)))
    whole = whole.replaceAll(name, () => `data:text/javascript,${encodeURIComponent(text)}`)
  }
  return whole
}
