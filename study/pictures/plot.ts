import { MissingPackageError } from '../../runtime/errors/install.ts'
import { ArgumentError } from '../../runtime/errors/tensor.ts'
import type { Chart } from './chart.ts'
import { display } from './display.ts'

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** A picture of a result. */
export class Plot {
  /** An SVG picture that needs no other files. Pointing at a cell shows its number. */
  readonly svg: string
  /** The Vega-Lite specification from which it was drawn, as JSON. Other tools can change and draw it. */
  readonly spec: Chart
  readonly #text: string

  constructor(svg: string, spec: Chart, text: string) {
    this.svg = svg
    this.spec = spec
    this.#text = text
  }

  /** A stand-alone page with the picture, and the numbers as text below it. */
  get html(): string {
    const title = escaped(this.#text.split('\n')[0])
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>body { font: 14px system-ui, sans-serif; margin: 2em; color: #222; background: #fff } figure { margin: 0; overflow-x: auto } pre { overflow-x: auto }</style>
</head>
<body>
<figure>${this.svg}</figure>
<details><summary>The numbers</summary><pre>${escaped(this.#text)}</pre></details>
</body>
</html>
`
  }

  /**
   * Writes the picture to a file, in Node. The end of the file's name says what is written: `.svg`, `.html` or `.json` (the specification).
   * @throws ArgumentError for another ending
   */
  async save(path: string): Promise<void> {
    const texts: Record<string, () => string> = {
      svg: () => this.svg,
      html: () => this.html,
      json: () => JSON.stringify(this.spec, undefined, 2),
    }
    const ending = /\.(\w+)$/.exec(path)?.[1].toLowerCase() ?? ''
    if (!Object.hasOwn(texts, ending))
      throw new ArgumentError(
        `save: ${JSON.stringify(path)} ends with none of .svg, .html and .json.`,
        undefined,
        "write plot.save('picture.svg')",
      )
    const { writeFile } = await import('node:fs/promises')
    await writeFile(path, texts[ending]())
  }

  /** The picture and its text, which notebooks of Deno show in place. */
  [display](): Record<string, string> {
    return { 'image/svg+xml': this.svg, 'text/plain': this.#text }
  }

  /** The same for notebooks of IJavascript. */
  _toMime(): Record<string, string> {
    return this[display]()
  }

  /** The numbers: a console would print the whole SVG. */
  [INSPECT](): string {
    return this.#text
  }

  toString(): string {
    return this.svg
  }
}

/** Draws a chart. @param text the numbers, for those who can't see the picture. @throws MissingPackageError */
export async function plotOf(chart: Chart, text: string): Promise<Plot> {
  const { vega, vegaLite } = await libraries()
  const spec = { $schema: 'https://vega.github.io/schema/vega-lite/v6.json', ...chart }
  const view = new vega.View(vega.parse(vegaLite.compile(spec as never).spec), { renderer: 'none' })
  try {
    return new Plot(withTitles(await view.toSVG(), text.split('\n')[0]), spec, text)
  } finally {
    view.finalize()
  }
}

async function libraries() {
  try {
    const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')])
    return { vega, vegaLite }
  } catch (error) {
    throw new MissingPackageError('vega', error, 'to draw pictures', 'npm install vega vega-lite')
  }
}

/** Adds titles to an SVG's elements, which browsers show under the mouse. Vega only writes descriptions for screen readers. */
function withTitles(svg: string, title: string): string {
  return svg
    .replace('<svg ', `<svg role="img" aria-label="${escaped(title)}" `)
    .replaceAll(
      /<path aria-label="([^"]*)"( role="graphics-symbol" aria-roledescription="(?:rect mark|bar|point)"[^>]*)\/>/g,
      '<path aria-label="$1"$2><title>$1</title></path>',
    )
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
