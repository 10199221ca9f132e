import { withFields } from './message.ts'
import type { AttributeProto, GraphProto, NodeProto } from './schema/onnx_pb.ts'

/** The node with other names for the outer values that its subgraph bodies read. ONNX forbids a body to define an outer name anew. */
export function renameCaptures(node: NodeProto, names: ReadonlyMap<string, string>): NodeProto {
  if (names.size === 0 || !node.attribute.some(hasBodies)) return node
  return withFields(node, { attribute: node.attribute.map(attribute => renameInAttribute(attribute, names)) })
}

function hasBodies({ g, graphs }: AttributeProto): boolean {
  return g !== undefined || graphs.length > 0
}

function renameInAttribute(attribute: AttributeProto, names: ReadonlyMap<string, string>): AttributeProto {
  if (!hasBodies(attribute)) return attribute
  return withFields(attribute, {
    ...(attribute.g ? { g: renameInBody(attribute.g, names) } : {}),
    graphs: attribute.graphs.map(graph => renameInBody(graph, names)),
  })
}

function renameInBody(graph: GraphProto, names: ReadonlyMap<string, string>): GraphProto {
  const rename = (name: string): string => names.get(name) ?? name
  return withFields(graph, {
    node: graph.node.map(node => withFields(renameCaptures(node, names), { input: node.input.map(rename) })),
    output: graph.output.map(output => withFields(output, { name: rename(output.name) })),
  })
}

/** Outer values that a node's subgraph bodies read, at any depth. */
export function capturesOf(node: NodeProto): string[] {
  const found = new Set<string>()
  for (const attribute of node.attribute) {
    for (const graph of attribute.g ? [attribute.g, ...attribute.graphs] : attribute.graphs)
      for (const name of freeNames(graph)) found.add(name)
  }
  return [...found]
}

function freeNames(graph: GraphProto): Set<string> {
  const bound = new Set<string>([...graph.input, ...graph.initializer].map(({ name }) => name))
  for (const { values } of graph.sparseInitializer) bound.add(values?.name ?? '')
  for (const node of graph.node) for (const name of node.output) bound.add(name)
  const free = new Set<string>()
  const read = (name: string): void => {
    if (name !== '' && !bound.has(name)) free.add(name)
  }
  for (const node of graph.node) {
    node.input.forEach(read)
    capturesOf(node).forEach(read)
  }
  for (const { name } of graph.output) read(name)
  return free
}
