import type { GraphNode } from '../../runtime/onnx/graph/node.ts'
import type { Side } from '../side.ts'
import { meaningOf } from './operators.ts'

/** The most pairs of nodes that an alignment weighs. */
const MOST_CELLS = 2 ** 25

/** A value, and what tells it from others: the operator that makes it, and its dims. */
interface Step {
  readonly value: string
  readonly key: string
}

/**
 * Values of two lists of nodes that stand for each other: the longest list of operators that both have in one order, with results of equal
 * dims. Nodes that only move or store values are passed over.
 */
export function alignNodes(
  a: Side,
  ours: readonly GraphNode[],
  b: Side,
  theirs: readonly GraphNode[],
): ReadonlyMap<string, string> {
  const [left, right] = [stepsOf(a, ours), stepsOf(b, theirs)]
  const pairs = new Map<string, string>()
  let start = 0
  while (start < Math.min(left.length, right.length) && left[start].key === right[start].key) {
    pairs.set(left[start].value, right[start].value)
    start++
  }
  let end = 0
  while (end < Math.min(left.length, right.length) - start && left.at(-1 - end)!.key === right.at(-1 - end)!.key) {
    pairs.set(left.at(-1 - end)!.value, right.at(-1 - end)!.value)
    end++
  }
  const middle = [left.slice(start, left.length - end), right.slice(start, right.length - end)] as const
  for (const [one, other] of longestCommon(...middle)) pairs.set(one.value, other.value)
  return withStored(a, b, pairs)
}

/** Adds what nodes that only store or move values make of the pairs: what leaves a product of matrices may be its reshaped result. */
function withStored(a: Side, b: Side, pairs: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const all = new Map(pairs)
  const open = [...pairs]
  for (let pair = open.pop(); pair; pair = open.pop()) {
    const [ours, theirs] = pair.map((value, side) => storing([a, b][side], value))
    for (const { opType, outputs } of ours) {
      const same = theirs.filter(other => other.opType === opType && dimsOf(b, other) === dimsOf(a, { outputs }))
      if (same.length !== 1 || all.has(outputs[0])) continue
      all.set(outputs[0], same[0].outputs[0])
      open.push([outputs[0], same[0].outputs[0]])
    }
  }
  return all
}

const storing = ({ graph }: Side, value: string): GraphNode[] =>
  (graph.consumers.get(value) ?? []).filter(
    ({ opType, inputs }) => meaningOf(opType) === undefined && inputs[0] === value,
  )

const dimsOf = ({ shapes }: Side, { outputs: [value] }: Pick<GraphNode, 'outputs'>): string =>
  String(shapes.get(value)?.dims)

function stepsOf({ shapes }: Side, nodes: readonly GraphNode[]): Step[] {
  return nodes.flatMap(node => {
    const [value] = node.outputs
    const meaning = meaningOf(node.opType)
    const shape = shapes.get(value)
    if (meaning === undefined || !shape?.dims || !shape.type.includes('float')) return []
    return [{ value, key: `${meaning} ${shape.dims}` }]
  })
}

/** The longest common subsequence; none of lists that are too long to weigh. */
function longestCommon(a: readonly Step[], b: readonly Step[]): (readonly [Step, Step])[] {
  const width = b.length + 1
  if ((a.length + 1) * width > MOST_CELLS) return []
  const lengths = new Uint16Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        a[i].key === b[j].key
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1])
  const pairs: (readonly [Step, Step])[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i].key === b[j].key) pairs.push([a[i++], b[j++]])
    else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i++
    else j++
  }
  return pairs
}
