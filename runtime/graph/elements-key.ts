/** A text for a tensor's elements that no others have: −0 is not 0, and a comma within a text separates nothing. */
export function elementsKey(data: ArrayLike<unknown>): string {
  return Array.from(data, element => {
    if (typeof element === 'string') return JSON.stringify(element)
    return Object.is(element, -0) ? '-0' : String(element)
  }).join()
}
