import type { OnnxGraph } from './graph.ts'
import { allReads, type GraphNode } from './node.ts'

/** The values from which a value is computed, and the value itself. @param passes whether to go on through a node */
export function madeFrom(
  { producer }: OnnxGraph,
  value: string,
  passes: (node: GraphNode) => boolean = () => true,
): ReadonlySet<string> {
  const found = new Set([value])
  for (const name of found) {
    const node = producer.get(name)?.node
    if (node && passes(node)) for (const read of allReads(node)) found.add(read)
  }
  return found
}
