import { type Answer, type Checked, COLUMNS } from './check.ts'

/** One file of the matrix; the exporter's own reason where it made none. */
export interface Row {
  readonly family: string
  readonly exporter: string
  readonly checked: Checked | string
}

const INTRO = `# Exporters and tools

Which files work, tried on small models with random weights, and on two with trained ones (all-MiniLM-L6-v2 and Whisper tiny.en): each is built by
transformers, exported by the exporters that take it, then quantised and optimised by the usual tools. Every file is opened by onnsight and compared with what PyTorch computes for the same inputs:

- **layers**: the model's layers are found under PyTorch's module paths.
- **reads**: what leaves each layer, its attention, its MLP, the last norm and the head.
- **writes**: a vector is added to the output of layer 1; the model's output is compared.
- **generates**: eight tokens, greedy.

Values of float32 files are within 2·10⁻⁴ of the largest, those of float16 files within 2·10⁻²; those of quantised files have a cosine above 0.85 with PyTorch's.
This page is written by \`npm run exporters\`; \`exporters/README.md\` in the repository says how to run it.

What stands behind the noes: onnxruntime-genai's builder leaves Mistral's sliding window out of the file, so onnxruntime alone gives the same tokens; Mamba's
export holds for prompts of one length; a file that onnxruntime optimised at level \`all\` has channels in blocks inside, which onnsight refuses to read; MiniLM, whose
weights are trained, loses much when it is quantised with ranges from one batch: onnxruntime alone gives the same values.
`

/** The page: a table for each family, and the reasons of every no below it. */
export function writePage(rows: readonly Row[]): string {
  const families = [...new Set(rows.map(row => row.family))]
  return [
    INTRO,
    ...families.map(family =>
      section(
        family,
        rows.filter(row => row.family === family),
      ),
    ),
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
}

function section(family: string, rows: readonly Row[]): string {
  const reasons: string[] = []
  const cell = (answer: Answer): string => {
    if (answer.yes) return answer.note ? `yes (${answer.note})` : 'yes'
    if (answer.reason === '') return ''
    return `no ${footnote(reasons, answer.reason)}`
  }
  const made = rows.filter(row => typeof row.checked !== 'string')
  const lines = made.map(
    ({ exporter, checked }) => `| ${exporter} | ${COLUMNS.map(key => cell((checked as Checked)[key])).join(' | ')} |`,
  )
  const missing = rows
    .filter(row => typeof row.checked === 'string')
    .map(row => `- ${row.exporter}: not exported: ${row.checked}`)
  return [
    `## ${family}\n`,
    `| file | ${COLUMNS.join(' | ')} |`,
    `| --- |${COLUMNS.map(() => ' --- |').join('')}`,
    ...lines,
    '',
    ...reasons.map((reason, i) => `${i + 1}. ${reason}`),
    ...(reasons.length > 0 ? [''] : []),
    ...missing,
    '',
  ].join('\n')
}

function footnote(reasons: string[], reason: string): string {
  const known = reasons.indexOf(reason)
  return `(${known < 0 ? reasons.push(reason) : known + 1})`
}
