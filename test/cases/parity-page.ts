import { readFileSync, writeFileSync } from 'node:fs'

const PAGE = 'docs/parity.md'
const ROW = /^\| (.+?) +\| (\S+) +\| (\d+) +\| (\S+) +\|$/gm

interface Row {
  readonly what: string
  readonly count: number
  readonly off: number
}

/** The rows of the table that `npm run cases` prints, or of the page that has it. */
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
    `# How close results are to PyTorch's

onnsight ran reads, edits and generations on small trained models, and the results were compared with what PyTorch computes in float64 with forward
hooks. “Furthest off” is the largest difference between two elements in any of the cases, as a share of the largest value. Ids
and other integers are equal.

${table}

Written by \`UPDATE_PARITY=1 npx ava test/cases/cases.test.ts\`, on Node ${process.versions.node}, ${process.platform} ${process.arch}, CPU. \`npm test\` fails if
a result is more than five times as far off as this page says, and runs the same cases on onnxruntime-web in Chromium.

**Without an edit** the values are onnxruntime's own. The test models give the same bits as onnxruntime does for the whole file, in one piece and cut into blocks:
neighbouring blocks run together as long as no edit reaches inside, and \`{ blocks: 1 }\` runs any model in one piece. Run block by block, float32 and quantised models
give the same bits too. Float16 models do not: on the CPU onnxruntime keeps float16 values in float32 from one operation to the next, and the edge of a block rounds them, by up to 6e-4 of the
largest value. If onnxruntime would fuse operations across such an edge, the last bits may differ in the same way.
`,
  )
}
