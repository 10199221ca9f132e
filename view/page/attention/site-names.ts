const isNumber = (part: string): boolean => /^\d+$/.test(part)

/**
 * Short names of modules, which differ: `layer 3`; `encoder 0`, `decoder 0` and `decoder 0 EncDecAttention`. Left out is what tells none of them
 * apart: words that all paths have, then the last number, then the most frequent kind of module.
 */
export function siteNames(paths: readonly string[]): string[] {
  const inAll = new Set(paths[0]?.split('.').filter(word => paths.every(path => path.split('.').includes(word))))
  let names = paths.map(path => path.split('.').filter(part => isNumber(part) || !inAll.has(part)))
  const differ = (of: readonly string[][]): boolean => new Set(of.map(String)).size === paths.length
  const attempt = (shorter: readonly string[][]): void => {
    if (differ(shorter)) names = [...shorter]
  }
  attempt(names.map(parts => parts.filter((part, i) => !isNumber(part) || i === parts.findIndex(isNumber))))
  const kinds = names.map(parts => parts.at(-1) ?? '').filter(kind => !isNumber(kind))
  const often = kinds.toSorted((a, b) => count(kinds, b) - count(kinds, a))[0]
  attempt(names.map(parts => (parts.length > 1 && parts.at(-1) === often ? parts.slice(0, -1) : parts)))
  return names.map((parts, i) => written(parts) || paths[i].split('.').at(-1) || 'model')
}

const count = (all: readonly string[], one: string): number => all.filter(other => other === one).length

/** Words with spaces between them, and numbers that follow each other with a dot. */
function written(parts: readonly string[]): string {
  const text = parts.join(' ').replace(/(?<=\d) (?=\d)/g, '.')
  return /^\d/.test(text) ? `layer ${text}` : text
}
