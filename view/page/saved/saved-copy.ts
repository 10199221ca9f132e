import type { SentError } from '../../protocol/api.ts'

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

let copy: SavedCopy | undefined

/** The saved copy that this page is; undefined if a command serves the page. */
export function savedCopy(): SavedCopy | undefined {
  const text = document.getElementById(SAVED)?.textContent
  copy ??= text ? (JSON.parse(text) as SavedCopy) : undefined
  return copy
}

/** A key that two requests for the same thing have in common. The pattern of a head is the same for every query. */
export function keyOf(name: string, body: unknown): string {
  const { query: _, ...rest } = (body ?? {}) as Readonly<Record<string, unknown>>
  return `${name} ${JSON.stringify(name === 'attention-head' ? rest : (body ?? null))}`
}

export const notSaved: SentError = {
  code: 'saved',
  message: 'This is a saved copy, which has only what was looked at before it was saved.',
  fix: 'open the model with onnsight view, and run it there',
}
