import type { SentError } from './api.ts'

/** The answer to a request: at once, or in parts. */
export interface SavedAnswer {
  readonly value?: unknown
  readonly parts?: readonly unknown[]
}

/** What a saved copy of the page has: the state in which it opens, and the answers to all that was looked at. */
export interface SavedCopy {
  /** The part of the address after #. */
  readonly state: string
  /** When it was saved. */
  readonly date: string
  readonly answers: Readonly<Record<string, SavedAnswer>>
}

/** The id of the element that holds a saved copy. */
export const SAVED = 'saved-copy'

/** A key that two requests for the same thing have in common. The pattern of a head is the same for every query. */
export function keyOf(name: string, body: unknown): string {
  const { query: _, ...rest } = (body ?? {}) as Readonly<Record<string, unknown>>
  return `${name} ${JSON.stringify(sorted(name === 'attention-head' ? rest : (body ?? null)))}`
}

/** The same JSON with the names of each object in order, and without those that are not set. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, one]) => [name, sorted(one)]))
}

export const notSaved: SentError = {
  code: 'saved',
  message: 'This is a saved copy, which has only what was computed before it was saved.',
  fix: 'open the model with onnsight view, and run it there',
}
