import type { Case } from './case.ts'

/** A case that passed, and its largest error, as a share of the largest value. */
export interface Result {
  readonly entry: Case
  readonly off: number
}

/** Descriptions of the kinds of cases in the file. Other kinds are shown by their name. */
const ABOUT: Readonly<Record<string, string>> = {
  read: 'outputs, inputs and attention patterns of modules',
  write: 'whole values, slices, heads and patterns changed',
  order: 'what is seen before and after an edit, and from where',
  patch: 'activation patching, and its sweep over layers and positions',
  study: 'logit lens, skipped layer, steering, dictionary, loss',
  attribution: 'direct logit attribution',
  induction: 'a two-layer attention-only model: scores of heads, heads switched off',
  scopes: 'the same model as newer exporters name it, and with weights in a file beside it',
  half: 'the same model in float16, against the values of float32',
  cache: 'the same model with a key/value cache',
  generate: 'greedy generation with edits: ids, and the last logits',
}

/** A table with a row for each kind of case and model: the number of cases, and the largest error. */
export function parityTable(results: readonly Result[]): string {
  const rows = new Map<string, { count: number; off: number }>()
  for (const { entry, off } of results) {
    const kind = entry.id.split('/')[0]
    const name = `| ${ABOUT[kind] ?? kind} | ${entry.model} |`
    const row = rows.get(name)
    rows.set(name, { count: (row?.count ?? 0) + 1, off: Math.max(row?.off ?? 0, off) })
  }
  return [
    '| what is compared | model | cases | furthest off |',
    '| --- | --- | --- | --- |',
    ...Array.from(rows, ([name, { count, off }]) => `${name} ${count} | ${off === 0 ? '0' : off.toExponential(0)} |`),
  ].join('\n')
}
