import type { Side } from '../side.ts'

/** A part of A that runs at once: the blocks from `first` to before `end`, from the values of `from`. */
export interface Stage {
  readonly first: number
  readonly end: number
  /** The known values before the stage that it, or a later stage, reads. */
  readonly from: readonly string[]
}

/** The index of the block of A that computes a value. */
export function blockOf({ graph, engine }: Side, value: string): number {
  const node = graph.producer.get(value)?.node
  return node ? engine.program.blockOf(node) : -1
}

/**
 * Cuts A before each of these blocks, which are in running order.
 * @param known values that can be given to A instead of computing them
 */
export function stagesOf(a: Side, firsts: readonly number[], output: string, known: ReadonlySet<string>): Stage[] {
  return firsts.map((first, i) => ({
    first,
    end: firsts[i + 1] ?? Number.POSITIVE_INFINITY,
    from: lastBefore(a, output, value => known.has(value) && blockOf(a, value) < first),
  }))
}

/** The values with this property from which the output is computed without passing another one of them. */
function lastBefore({ graph }: Side, output: string, isBefore: (value: string) => boolean): string[] {
  const found = new Set<string>()
  const seen = new Set<string>()
  const open = [output]
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (seen.has(value)) continue
    seen.add(value)
    if (isBefore(value)) {
      found.add(value)
      continue
    }
    const node = graph.producer.get(value)?.node
    if (node) open.push(...node.inputs, ...node.captures)
  }
  return [...found]
}
