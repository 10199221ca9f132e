import { distance } from 'fastest-levenshtein'

/** The name without case and underscores, in which names are compared: `input_ids` and `inputIds` are equal. */
const plain = (name: string): string => name.replaceAll('_', '').toLowerCase()

/** Sorts `names` by the number of letters in which they differ from `name`, nearest first. */
export function byDistance(name: string, names: Iterable<string>): string[] {
  return measured(name, names).map(({ other }) => other)
}

/** The names that a misspelt one may stand for, nearest first: those that differ from it in a third of its letters or fewer. */
export function nearestNames(name: string, known: Iterable<string>, most = 3): string[] {
  const limit = Math.max(2, Math.ceil(name.length / 3))
  return measured(name, known)
    .filter(({ letters }) => letters <= limit)
    .slice(0, most)
    .map(({ other }) => other)
}

function measured(name: string, names: Iterable<string>): { other: string; letters: number }[] {
  return [...names]
    .map(other => ({ other, letters: distance(plain(name), plain(other)) }))
    .sort((a, b) => a.letters - b.letters)
}
