import { type Answer, type Checked, COLUMNS } from './check.ts'

/** One file of the matrix, or the exporter's reason why it made none. */
export interface Row {
  readonly family: string
  readonly exporter: string
  readonly checked: Checked | string
}

const INTRO = `# Exporters and tools

onnsight was tried with files from many exporters and tools. The models are small and have random weights, except two trained ones (all-MiniLM-L6-v2 and
Whisper tiny.en). Each was built by transformers, exported by every exporter that takes it, and then quantised and optimised by the usual tools. onnsight opened each file,
and its values were compared with PyTorch's for the same inputs:

- **layers**: onnsight finds the model's layers under PyTorch's module paths.
- **reads**: the outputs of each layer, of its attention and MLP, of the last norm and of the head.
- **writes**: a vector is added to the output of layer 1, and the model's output is compared.
- **generates**: eight tokens, greedy.

“Yes” means: for float32 files, within 2·10⁻⁴ of the largest value; for float16 files, within 2·10⁻²; for quantised files, a cosine above 0.85 with PyTorch's values.
\`npm run exporters\` writes this page; \`exporters/README.md\` in the repository says how to run it.

The reasons for the entries that say “no”: onnxruntime-genai's builder leaves Mistral's sliding window out of the file, so onnxruntime alone gives the same tokens. Mamba's
export works only for prompts of one length. In a file that onnxruntime optimised at level \`all\`, channels are rearranged into blocks, and onnsight refuses to read such values. MiniLM, whose
weights are trained, loses much when it is quantised with ranges from one batch; onnxruntime alone gives the same values.
`

/** The page, with a table for each family, and the reasons of every no below it. */
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
