/** Whether a part of the list still fails. */
export type Fails<T> = (part: readonly T[]) => Promise<boolean>

/**
 * A part of the list that still fails, and of which no single item can be left out: ddmin of Zeller and Hildebrandt, "Simplifying and Isolating
 * Failure-Inducing Input" (2002). The list itself must fail. The order is kept.
 * @param isOver asked before each try; the smallest part so far is returned then
 */
export async function ddmin<T>(items: readonly T[], fails: Fails<T>, isOver: () => boolean): Promise<readonly T[]> {
  let rest = await shortest(items, fails, isOver)
  let parts = 2
  while (rest.length > 1 && !isOver()) {
    const size = Math.ceil(rest.length / parts)
    let found: readonly T[] | undefined
    for (let start = 0; start < rest.length && !found && !isOver(); start += size) {
      const without = [...rest.slice(0, start), ...rest.slice(start + size)]
      if (without.length > 0 && (await fails(without))) found = without
    }
    if (found) {
      rest = found
      parts = Math.max(parts - 1, 2)
    } else if (size === 1) return rest
    else parts = Math.min(parts * 2, rest.length)
  }
  return rest
}

/** Bisects for the end and then for the start of the list: a failure mostly lies in one place. */
async function shortest<T>(items: readonly T[], fails: Fails<T>, isOver: () => boolean): Promise<readonly T[]> {
  let rest = items
  for (const take of [
    (list: readonly T[], count: number) => list.slice(0, count),
    (list: readonly T[], count: number) => list.slice(list.length - count),
  ]) {
    let [low, high] = [0, rest.length]
    while (high - low > 1 && !isOver()) {
      const middle = (low + high) >> 1
      if (await fails(take(rest, middle))) high = middle
      else low = middle
    }
    rest = take(rest, high)
  }
  return rest
}
