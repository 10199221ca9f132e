import { siteNames } from '../attention/site-names.ts'

/** The parts of names by which they differ: without the path that all begin with. */
export function shortNames(names: readonly string[]): string[] {
  if (new Set(names).size < 2) return [...names]
  const [first] = names
  let length = 0
  while (names.every(name => name[length] === first[length])) length++
  const start = first.slice(0, length).lastIndexOf('.') + 1
  return names.map(name => name.slice(start))
}

/** Names for the rows of a map: `0`, or `encoder 0` where several lists of layers are among them. */
export function rowNames(names: readonly string[]): string[] {
  const short = shortNames(names)
  return short.some(name => name.includes('.')) ? siteNames(names) : short
}
