import type { ModuleTree } from '../../runtime/names/tree.ts'
import type { GraphNode } from '../../runtime/onnx/graph/node.ts'
import type { ModelProto, NodeProto } from '../../runtime/onnx/schema/onnx_pb.ts'

/**
 * Which module each node of an optimised graph belongs to: a node that onnxruntime made, by fusing others or for a layout, counts where its
 * result leaves.
 */
export class Places {
  /** Keys of the nodes that have bodies, at any depth. */
  readonly holders: ReadonlySet<string>
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
    this.holders = new Set(holdersIn(nodes))
    for (const node of nodes) {
      if (node.name !== '') this.#nodes.set(node.name, node)
      else this.#unnamed.set(node.opType, [...(this.#unnamed.get(node.opType) ?? []), node])
      for (const name of node.input) this.#readers.set(name, [...(this.#readers.get(name) ?? []), node])
    }
  }

  /** Path of the module of a node as the profile names it: one without a name is there as `Div_148`, its number in a session. */
  moduleOf(name: string, opType: string): string {
    let node = this.#nodes.get(name)
    if (!node) {
      // Nodes of a kind without names come in the order of the graph.
      node = this.#unnamed.get(opType)?.shift()
      if (node) this.#nodes.set(name, node)
    }
    if (!node) return ''
    return this.#moduleOf(node)
  }

  #moduleOf(node: NodeProto): string {
    let module = this.#modules.get(node)
    if (module === undefined) {
      // Also ends what would go round.
      this.#modules.set(node, '')
      module = this.#find(node)
      this.#modules.set(node, module)
    }
    return module
  }

  #find({ name, output, input }: NodeProto): string {
    const { producer } = this.#tree.graph
    // A convolution in blocked layout is named for the value that it made before.
    const values = [...output, name.replace(/_nchwc$/, '')]
    const own = values.map(value => producer.get(value)?.node).find(Boolean) ?? this.#own.get(name)
    if (own) return this.#tree.scopeOf(own).path
    const readers = output.flatMap(value => this.#readers.get(value) ?? [])
    if (readers.length > 0) return commonPath(readers.map(reader => this.#moduleOf(reader)))
    const makers = input.flatMap(value => producer.get(value)?.node ?? [])
    return makers.length > 0 ? commonPath(makers.map(maker => this.#tree.scopeOf(maker).path)) : ''
  }
}

/** Of a node without a name its operation: the profile names it by a number that the graph does not tell. */
export function holderKey(name: string, opType: string): string {
  return name === '' ? `any ${opType}` : name
}

function holdersIn(nodes: readonly NodeProto[]): string[] {
  return nodes.flatMap(({ name, opType, attribute }) => {
    const bodies = attribute.flatMap(({ g, graphs }) => [...(g ? [g] : []), ...graphs])
    return bodies.length > 0 ? [holderKey(name, opType), ...bodies.flatMap(body => holdersIn(body.node))] : []
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
