import { readFileSync, writeFileSync } from 'node:fs'

const PAGE = 'docs/parity.md'
const ROW = /^\| (.+?) +\| (\S+) +\| (\d+) +\| (\S+) +\|$/gm

interface Row {
  readonly what: string
  readonly count: number
  readonly off: number
}

/** The rows of a table of `npm run cases`, or of the page that holds one. */
export function rowsIn(text: string): Row[] {
  return Array.from(text.matchAll(ROW), ([, what, model, count, off]) => ({
    what: `${what}: ${model}`,
    count: Number(count),
    off: Number(off),
  }))
}

export const published = (): Row[] => rowsIn(readFileSync(PAGE, 'utf8'))

export function writePage(table: string): void {
  writeFileSync(
    PAGE,
    `# How far from PyTorch

Reads, edits and generations on small trained models, run by onnsight and compared with what PyTorch computes for the same thing with forward
hooks, in float64. "Furthest off" is the largest difference of any two elements in any of the cases, as a share of the largest value. Ids
and other integers are equal.

${table}

Written by \`UPDATE_PARITY=1 npx ava test/cases/cases.test.ts\`, on Node ${process.versions.node}, ${process.platform} ${process.arch}, CPU. \`npm test\` refuses what
is more than five times as far off as it says here, and runs the same cases on onnxruntime-web in Chromium.

**Without an edit** nothing is off: a model that is cut into blocks gives the bits that onnxruntime gives for the whole file.
`,
  )
}
