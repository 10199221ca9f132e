import { SAVED, type SavedCopy } from '../../protocol/saved-copy.ts'

let copy: SavedCopy | undefined

/** The saved copy that this page is; undefined if a command serves the page. */
export function savedCopy(): SavedCopy | undefined {
  const text = document.getElementById(SAVED)?.textContent
  copy ??= text ? (JSON.parse(text) as SavedCopy) : undefined
  return copy
}
