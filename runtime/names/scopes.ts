import type { OnnxGraph } from '../onnx/graph/graph.ts'
import type { GraphNode } from '../onnx/graph/node.ts'
import { completedScope } from './residual.ts'
import type { NamingScheme, NodeScope } from './schemes/scheme.ts'

type Path = readonly string[]

const QUANTISERS = new Set(['QuantizeLinear', 'DynamicQuantizeLinear'])

/** A parameter's path, as PyTorch's modules name it. */
const PARAMETER = /^[A-Za-z_]\w*(\.\w+)+\.(weight|bias|gamma|beta)$/

/**
 * The module that each node belongs to. First what the exporter says; then, for what tools added or fused:
 * - a fused node without a name of its own lies where its result's name says, or else the module whose parameter it reads;
 * - a quantiser belongs to the product that it feeds, though it is named for what it reads;
 * - a sum that was fused into the next norm belongs to the module that it completes (`completedScope`);
 * - any other node belongs to the innermost module around what it reads and what reads it.
 */
export function scopesOf(graph: OnnxGraph, scheme: NamingScheme): NodeScope[] {
  const scopes = new Scopes(graph, scheme)
  return graph.nodes.map(node => scopes.of(node))
}

class Scopes {
  readonly #graph: OnnxGraph
  readonly #known: (NodeScope | undefined)[]

  constructor(graph: OnnxGraph, scheme: NamingScheme) {
    this.#graph = graph
    this.#known = graph.nodes.map(node => said(node, scheme))
    const isFlat = this.#known.every(scope => scope === undefined || scope.path.length === 0)
    if (isFlat) return
    this.#byParameter()
    this.#together()
    this.#completed()
    this.#quantisers()
    this.#between()
  }

  of(node: GraphNode): NodeScope {
    return this.#known[node.index] ?? { path: [] }
  }

  #pathOf(node: GraphNode): Path | undefined {
    return this.#known[node.index]?.path
  }

  /** Parameters are called by their module's path, `encoder.layer.0.intermediate.dense.bias`; that module may have no other node. */
  #byParameter(): void {
    const { nodes, initializers } = this.#graph
    const roots = new Set(this.#known.flatMap(scope => scope?.path.slice(0, 1) ?? []))
    for (const node of nodes) {
      if (this.#known[node.index]) continue
      const owners = node.inputs
        .filter(name => initializers.has(name) && name.includes('.'))
        .filter(name => roots.has(name.split('.')[0]) || PARAMETER.test(name))
        .map(name => name.split('.').slice(0, -1))
      if (owners.length > 0) this.#known[node.index] = { path: around(owners) }
    }
  }

  /** What one operator was written out in is in one place, where its result is made. */
  #together(): void {
    for (const { cluster, index, outputs } of this.#graph.nodes) {
      if (!cluster || this.#known[index]) continue
      if (cluster.sum === outputs[0] || cluster.completed.has(outputs[0]) || cluster.around.has(outputs[0])) continue
      const [last] = cluster.nodes.slice(-1)
      this.#known[index] = this.#known[last.index]
    }
  }

  /** In running order: a branch's own module is known before the sum that completes it. */
  #completed(): void {
    for (const node of this.#graph.nodes) {
      const path = completedScope(this.#graph, node, other => this.#pathOf(other))
      if (path) this.#known[node.index] = { path }
    }
  }

  #quantisers(): void {
    const { nodes, producer } = this.#graph
    for (const node of [...nodes].reverse()) {
      const maker = producer.get(node.inputs[0])?.node
      const isPair = node.opType === 'DequantizeLinear' && maker !== undefined && QUANTISERS.has(maker.opType)
      if (!isPair && !(QUANTISERS.has(node.opType) && maker !== undefined)) continue
      const readers = this.#readersOf(node).map(reader => this.#pathOf(reader))
      const known = readers.filter(path => path !== undefined)
      if (known.length > 0 && known.length === readers.length) this.#known[node.index] = { path: around(known) }
    }
  }

  /** Nodes of which nothing is said, by what is said of those around them, through others of which nothing is said. */
  #between(): void {
    const { nodes, producer, outputs } = this.#graph
    const given = new Set(outputs.map(({ name }) => name))
    const before: (Path | undefined)[] = []
    for (const node of nodes) {
      const makers = [...node.inputs, ...node.captures].flatMap(name => producer.get(name)?.node ?? [])
      const paths = makers.map(maker => this.#pathOf(maker) ?? before[maker.index]).filter(path => path !== undefined)
      before[node.index] = paths.length > 0 ? around(paths) : undefined
    }
    const after: (Path | undefined)[] = []
    for (const node of [...nodes].reverse()) {
      const paths = this.#readersOf(node)
        .map(reader => this.#pathOf(reader) ?? after[reader.index])
        .filter(path => path !== undefined)
      if (node.outputs.some(name => given.has(name))) paths.push([])
      after[node.index] = paths.length > 0 ? around(paths) : undefined
    }
    for (const node of nodes) {
      if (this.#known[node.index]) continue
      const paths = [before[node.index], after[node.index]].filter(path => path !== undefined)
      if (paths.length > 0) this.#known[node.index] = { path: around(paths) }
    }
  }

  #readersOf(node: GraphNode): GraphNode[] {
    return node.outputs.flatMap(name => this.#graph.consumers.get(name) ?? [])
  }
}

/** What the exporter says, also of a fused node to which an optimiser gave a name of its own, but not to its result. */
function said(node: GraphNode, scheme: NamingScheme): NodeScope | undefined {
  return scheme.scopeOf(node.cluster?.fused ?? node) ?? scheme.scopeOfValue?.(node.outputs[0])
}

/** The innermost module that holds all. */
function around(paths: readonly Path[]): Path {
  let shared = paths[0]
  for (const path of paths) {
    const differs = shared.findIndex((name, depth) => name !== path[depth])
    if (differs >= 0) shared = shared.slice(0, differs)
  }
  return shared
}
