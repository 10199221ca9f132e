import { readFileSync } from 'node:fs'

/** Tables of numbers that PyTorch computed (test/reference/make_studies.py). */
export type Numbers = number | readonly Numbers[]

interface Reference {
  readonly prompts: { readonly line: number[]; readonly clean: number[]; readonly corrupted: number[] }
  readonly answers: readonly [number, number]
  readonly lens: Readonly<Record<'top' | 'probabilities' | 'answer' | 'ranks' | 'kl' | 'entropy', Numbers>>
  readonly tuned: Reference['lens']
  readonly attribution: Readonly<Record<string, Numbers>>
  readonly patching: Readonly<Record<string, Numbers>>
  readonly path: Readonly<Record<string, Numbers>>
  readonly scores: Readonly<Record<string, Numbers>>
  readonly ablation: Readonly<Record<string, Numbers>>
  readonly steering: {
    readonly positive: number[][]
    readonly negative: number[][]
    readonly difference: Numbers
    readonly mean: Numbers
    readonly pca: Numbers
    readonly sweep: readonly (readonly [moved: number, perplexity: number])[]
  }
  readonly probes: {
    readonly prompts: number[][]
    readonly accuracy: Numbers
    readonly squares: Numbers
    readonly weights: Numbers
  }
  readonly autoencoders: Readonly<
    Record<
      'standard' | 'jumprelu' | 'topk' | 'gated',
      Readonly<Record<'features' | 'count' | 'error' | 'spliced' | 'ablated' | 'steered', Numbers>>
    >
  >
  readonly normalised_autoencoders: readonly (Readonly<
    Record<'features' | 'count' | 'error' | 'spliced' | 'ablated', Numbers>
  > & { readonly how: string; readonly topk: boolean; readonly place: string })[]
}

export const reference = JSON.parse(readFileSync('test/reference/studies.json', 'utf8')) as Reference

const { chars } = JSON.parse(readFileSync('test/fixtures/models/chars.vocab.json', 'utf8')) as { chars: string[] }
export const vocabulary: readonly string[] = chars
export const encode = (text: string): number[] => [...text].map(char => chars.indexOf(char))

/** The greatest difference between two tables, relative to the greatest expected number; Infinity if their forms differ. */
export function off(actual: unknown, due: Numbers): number {
  const most = greatest(due)
  return difference(actual, due) / (most || 1)
}

const greatest = (table: Numbers): number =>
  typeof table === 'number' ? Math.abs(table) : Math.max(...table.map(greatest))

function difference(actual: unknown, due: Numbers): number {
  if (typeof due === 'number') return typeof actual === 'number' ? Math.abs(actual - due) : Number.POSITIVE_INFINITY
  if (!Array.isArray(actual) || actual.length !== due.length) return Number.POSITIVE_INFINITY
  return Math.max(...due.map((one, i) => difference(actual[i], one)))
}
