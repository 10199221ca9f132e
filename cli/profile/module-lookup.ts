import type { ModuleTree } from '../../runtime/names/tree.ts'
import type { GraphNode } from '../../runtime/onnx/graph/node.ts'
import type { ModelProto, NodeProto } from '../../runtime/onnx/schema/onnx_pb.ts'

/**
 * Finds the module of each node in a session's optimised graph. A node that onnxruntime added, for a fusion or a memory layout, belongs to
 * the module that its result leaves.
 */
export class ModuleLookup {
  /** Keys of the nodes that have bodies, such as Loop and If, at any depth. */
  readonly nodesWithBodies: ReadonlySet<string>
  readonly #tree: ModuleTree
  readonly #own: ReadonlyMap<string, GraphNode>
  readonly #nodes = new Map<string, NodeProto>()
  readonly #unnamed = new Map<string, NodeProto[]>()
  readonly #readers = new Map<string, NodeProto[]>()
  readonly #modules = new Map<NodeProto, string>()

  constructor(tree: ModuleTree, { graph }: ModelProto) {
    this.#tree = tree
    this.#own = new Map(tree.graph.nodes.map(node => [node.name, node]))
    const nodes = graph?.node ?? []
    this.nodesWithBodies = new Set(bodyKeysIn(nodes))
    for (const node of nodes) {
      if (node.name !== '') this.#nodes.set(node.name, node)
      else this.#unnamed.set(node.opType, [...(this.#unnamed.get(node.opType) ?? []), node])
      for (const name of node.input) this.#readers.set(name, [...(this.#readers.get(name) ?? []), node])
    }
  }

  /** The path of the module of a node, by the node's name in the profile. Nodes without a name have one made of their number there: `Div_148`. */
  moduleOf(name: string, opType: string): string {
    let node = this.#nodes.get(name)
    if (!node) {
      // The profile has the unnamed nodes of an operation in the graph's order.
      node = this.#unnamed.get(opType)?.shift()
      if (node) this.#nodes.set(name, node)
    }
    if (!node) return ''
    return this.#moduleOf(node)
  }

  #moduleOf(node: NodeProto): string {
    let module = this.#modules.get(node)
    if (module === undefined) {
      // Setting this first also ends the search in a cycle.
      this.#modules.set(node, '')
      module = this.#find(node)
      this.#modules.set(node, module)
    }
    return module
  }

  #find({ name, output, input }: NodeProto): string {
    const { producer } = this.#tree.graph
    // A convolution in blocked layout has the name of its earlier output, with a suffix.
    const values = [...output, name.replace(/_nchwc$/, '')]
    const own = values.map(value => producer.get(value)?.node).find(Boolean) ?? this.#own.get(name)
    if (own) return this.#tree.scopeOf(own).path
    const readers = output.flatMap(value => this.#readers.get(value) ?? [])
    if (readers.length > 0) return commonPath(readers.map(reader => this.#moduleOf(reader)))
    const producers = input.flatMap(value => producer.get(value)?.node ?? [])
    return producers.length > 0 ? commonPath(producers.map(node => this.#tree.scopeOf(node).path)) : ''
  }
}

/** The key of a node that has a body: its name, or its operation if it has no name, because the graph does not tell its name in the profile. */
export function bodyKey(name: string, opType: string): string {
  return name === '' ? `any ${opType}` : name
}

function bodyKeysIn(nodes: readonly NodeProto[]): string[] {
  return nodes.flatMap(({ name, opType, attribute }) => {
    const bodies = attribute.flatMap(({ g, graphs }) => [...(g ? [g] : []), ...graphs])
    return bodies.length > 0 ? [bodyKey(name, opType), ...bodies.flatMap(body => bodyKeysIn(body.node))] : []
  })
}

function commonPath(paths: readonly string[]): string {
  let [shared, ...others] = paths.map(path => path.split('.'))
  for (const other of others) {
    let same = 0
    while (same < shared.length && shared[same] === other[same]) same++
    shared = shared.slice(0, same)
  }
  return shared.join('.')
}
