import { InvalidGraphError } from '../../errors/onnx.ts'
import type { NodeProto } from '../schema/onnx_pb.ts'

export interface Sortable {
  readonly node: NodeProto
  readonly captures: readonly string[]
}

/** Sorts nodes so that makers come before readers. Nodes that are sorted already keep their order. @throws InvalidGraphError for a circle */
export function sortNodes<N extends Sortable>(nodes: readonly N[]): N[] {
  const maker = new Map<string, number>()
  nodes.forEach(({ node }, i) => {
    for (const name of node.output) if (name !== '') maker.set(name, i)
  })
  const makersOf = nodes.map(
    ({ node, captures }) =>
      new Set([...node.input, ...captures].map(name => maker.get(name)).filter(i => i !== undefined)),
  )
  if (makersOf.every((makers, i) => [...makers].every(maker => maker < i))) return [...nodes]

  const readersOf = nodes.map(() => [] as number[])
  const missing = makersOf.map((makers, i) => {
    for (const maker of makers) readersOf[maker].push(i)
    return makers.size
  })
  const ready = nodes.map((_, i) => i).filter(i => missing[i] === 0)
  const sorted: N[] = []
  for (let next = 0; next < ready.length; next++) {
    sorted.push(nodes[ready[next]])
    for (const user of readersOf[ready[next]]) if (--missing[user] === 0) ready.push(user)
  }
  if (sorted.length < nodes.length) {
    const stuck = nodes.filter((_, i) => missing[i] > 0).map(({ node }) => node.name || node.opType)
    throw new InvalidGraphError(`The graph runs in a circle through ${stuck.slice(0, 3).join(', ')}.`)
  }
  return sorted
}
