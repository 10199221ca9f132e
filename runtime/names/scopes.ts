import type { OnnxGraph } from '../onnx/graph/graph.ts'
import type { GraphNode } from '../onnx/graph/node.ts'
import { innermostPath } from './innermost.ts'
import { completedScope } from './residual.ts'
import type { NamingScheme, NodeScope } from './schemes/scheme.ts'

type Path = readonly string[]

const QUANTISERS = new Set(['QuantizeLinear', 'DynamicQuantizeLinear'])

/** The path of a parameter, as PyTorch names it. */
const PARAMETER = /^[A-Za-z_]\w*(\.\w+)+\.(weight|bias|gamma|beta)$/

/**
 * The module that each node belongs to, by index. The exporter's names decide first, under the modules that only parameters name. For nodes
 * that tools added or fused:
 * - a fused node without a name of its own belongs to the module that its result's name tells, or else to the one whose parameter it reads;
 * - a quantiser belongs to the product that it feeds, though it is named for the value that it reads;
 * - a sum that was fused into the next norm belongs to the module that it completes (`completedScope`);
 * - any other node belongs to the innermost module that contains the nodes before and after it.
 */
export function scopesOf(graph: OnnxGraph, scheme: NamingScheme): NodeScope[] {
  const scopes = new Scopes(graph, scheme)
  return graph.nodes.map(node => scopes.scopeOf(node))
}

class Scopes {
  readonly #graph: OnnxGraph
  readonly #scopes: (NodeScope | undefined)[]

  constructor(graph: OnnxGraph, scheme: NamingScheme) {
    this.#graph = graph
    this.#scopes = graph.nodes.map(node => scopeFromNames(node, scheme))
    const isFlat = this.#scopes.every(scope => scope === undefined || scope.path.length === 0)
    if (isFlat) return
    this.#underUncalledModules()
    this.#fromParameterNames()
    this.#ofExpandedNodes()
    this.#ofCompletedSums()
    this.#ofQuantisers()
    this.#fromNeighbours()
  }

  scopeOf(node: GraphNode): NodeScope {
    return this.#scopes[node.index] ?? { path: [] }
  }

  #pathOf(node: GraphNode): Path | undefined {
    return this.#scopes[node.index]?.path
  }

  /**
   * The classic exporter leaves out modules that PyTorch never calls: OPT runs `self.model.decoder(…)`, and its nodes are named `/decoder/…`.
   * Parameters have the whole path, `model.decoder.layers.0.fc1.weight`: if all that a root's modules read agree, it lies under `model`.
   */
  #underUncalledModules(): void {
    const prefixes = new Map<string, Set<string>>()
    for (const node of this.#graph.nodes) {
      const path = this.#pathOf(node)
      // A layer that stands alone, such as /k_proj, tells nothing of the modules around it.
      if (!path || path.length < 2) continue
      for (const name of node.inputs) {
        if (!PARAMETER.test(name) || !this.#graph.initializers.has(name)) continue
        const owner = name.split('.').slice(0, -1)
        const at = owner.length - path.length
        if (at < 0 || owner.slice(at).join('.') !== path.join('.')) continue
        const found = prefixes.get(path[0]) ?? new Set()
        prefixes.set(path[0], found.add(owner.slice(0, at).join('.')))
      }
    }
    for (const [index, scope] of this.#scopes.entries()) {
      const [prefix, ...others] = prefixes.get(scope?.path[0] ?? '') ?? []
      if (!scope || !prefix || others.length > 0) continue
      const before = prefix.split('.')
      this.#scopes[index] = {
        path: [...before, ...scope.path],
        classes: scope.classes && [...before.map(() => undefined), ...scope.classes],
      }
    }
  }

  /** A parameter's name begins with its module's path, `encoder.layer.0.intermediate.dense.bias`. That module may have no other node. */
  #fromParameterNames(): void {
    const { nodes, initializers } = this.#graph
    const roots = new Set(this.#scopes.flatMap(scope => scope?.path.slice(0, 1) ?? []))
    for (const node of nodes) {
      if (this.#scopes[node.index]) continue
      const owners = node.inputs
        .filter(name => initializers.has(name) && name.includes('.'))
        .filter(name => roots.has(name.split('.')[0]) || PARAMETER.test(name))
        .map(name => name.split('.').slice(0, -1))
      if (owners.length > 0) this.#scopes[node.index] = { path: innermostPath(owners) }
    }
  }

  /** All nodes that one fused operator was expanded into belong to the module of the last one, which makes its result. */
  #ofExpandedNodes(): void {
    for (const { cluster, index, outputs } of this.#graph.nodes) {
      if (!cluster || this.#scopes[index]) continue
      if (cluster.sum === outputs[0] || cluster.completed.has(outputs[0]) || cluster.placedByNeighbours.has(outputs[0]))
        continue
      const [last] = cluster.nodes.slice(-1)
      this.#scopes[index] = this.#scopes[last.index]
    }
  }

  /** Goes in running order, so that the module of a branch is known before the sum that completes it. */
  #ofCompletedSums(): void {
    for (const node of this.#graph.nodes) {
      const path = completedScope(this.#graph, node, other => this.#pathOf(other))
      if (path) this.#scopes[node.index] = { path }
    }
  }

  #ofQuantisers(): void {
    const { nodes, producer } = this.#graph
    for (const node of [...nodes].reverse()) {
      const maker = producer.get(node.inputs[0])?.node
      const isPair = node.opType === 'DequantizeLinear' && maker !== undefined && QUANTISERS.has(maker.opType)
      if (!isPair && !(QUANTISERS.has(node.opType) && maker !== undefined)) continue
      const readers = this.#readersOf(node).map(reader => this.#pathOf(reader))
      const known = readers.filter(path => path !== undefined)
      if (known.length > 0 && known.length === readers.length) this.#scopes[node.index] = { path: innermostPath(known) }
    }
  }

  /** Places nodes whose names tell nothing by their nearest named neighbours, before and after them. */
  #fromNeighbours(): void {
    const { nodes, producer, outputs } = this.#graph
    const outputNames = new Set(outputs.map(({ name }) => name))
    const fromMakers: (Path | undefined)[] = []
    for (const node of nodes) {
      const makers = [...node.inputs, ...node.captures].flatMap(name => producer.get(name)?.node ?? [])
      const paths = makers
        .map(maker => this.#pathOf(maker) ?? fromMakers[maker.index])
        .filter(path => path !== undefined)
      fromMakers[node.index] = paths.length > 0 ? innermostPath(paths) : undefined
    }
    const fromReaders: (Path | undefined)[] = []
    for (const node of [...nodes].reverse()) {
      const paths = this.#readersOf(node)
        .map(reader => this.#pathOf(reader) ?? fromReaders[reader.index])
        .filter(path => path !== undefined)
      if (node.outputs.some(name => outputNames.has(name))) paths.push([])
      fromReaders[node.index] = paths.length > 0 ? innermostPath(paths) : undefined
    }
    for (const node of nodes) {
      if (this.#scopes[node.index]) continue
      const paths = [fromMakers[node.index], fromReaders[node.index]].filter(path => path !== undefined)
      if (paths.length > 0) this.#scopes[node.index] = { path: innermostPath(paths) }
    }
  }

  #readersOf(node: GraphNode): GraphNode[] {
    return node.outputs.flatMap(name => this.#graph.consumers.get(name) ?? [])
  }
}

/** The module that the node's name tells, or else the name of its result, which an optimiser keeps when it fuses nodes into a new one. */
function scopeFromNames(node: GraphNode, scheme: NamingScheme): NodeScope | undefined {
  return scheme.scopeOf(node.cluster?.fused ?? node) ?? scheme.scopeOfValue?.(node.outputs[0])
}
