/** A text that is equal only for equal elements: −0 differs from 0, and texts are quoted, so that commas in them separate nothing. */
export function elementsKey(data: ArrayLike<unknown>): string {
  return Array.from(data, element => {
    if (typeof element === 'string') return JSON.stringify(element)
    return Object.is(element, -0) ? '-0' : String(element)
  }).join()
}
