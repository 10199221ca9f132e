import type { GraphProto, NodeProto } from '../schema/onnx_pb.ts'
import { bodiesOf, renameInBodies } from './subgraphs.ts'

/** Renames the outer values that a node's bodies read. No body defines one of these names: ONNX forbids it. */
export function renameCaptures(node: NodeProto, names: ReadonlyMap<string, string>): NodeProto {
  return names.size === 0 ? node : renameInBodies(node, name => names.get(name) ?? name)
}

/** Outer values that a node's subgraph bodies read, at any depth. */
export function capturesOf(node: NodeProto): string[] {
  const found = new Set<string>()
  for (const body of bodiesOf(node)) for (const name of freeNames(body)) found.add(name)
  return [...found]
}

function freeNames(graph: GraphProto): Set<string> {
  const defined = new Set<string>([...graph.input, ...graph.initializer].map(({ name }) => name))
  for (const { values } of graph.sparseInitializer) defined.add(values?.name ?? '')
  for (const node of graph.node) for (const name of node.output) defined.add(name)
  const free = new Set<string>()
  const read = (name: string): void => {
    if (name !== '' && !defined.has(name)) free.add(name)
  }
  for (const node of graph.node) {
    node.input.forEach(read)
    capturesOf(node).forEach(read)
  }
  for (const { name } of graph.output) read(name)
  return free
}
