import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { addFollowing, derivedValues, readsShapeOnly } from '../derived.ts'
import { isProjection } from './projection.ts'

/** A value through which all ways between two values lead, and the nodes between it and the next such value in running order. */
export interface Stop {
  readonly value: string
  readonly nodes: readonly GraphNode[]
}

/** Matches the names of inputs that are no activations. */
const SIDE_INPUT = /past|cache|mask|position/i

/** How activations flow through a graph. Values that are computed only from weights, sizes, masks, positions and caches are left out. */
export class Flow {
  readonly graph: OnnxGraph
  /** Values that are computed from initializers alone, such as weights that a node transposes or dequantises. */
  readonly constants: ReadonlySet<string>
  readonly #side: ReadonlySet<string>

  constructor(graph: OnnxGraph) {
    this.graph = graph
    this.constants = addFollowing(graph, new Set())
    const inputs = graph.inputs.map(({ name }) => name)
    const side = new Set(inputs.filter(name => SIDE_INPUT.test(name)))
    for (const name of derivedValues(graph)) side.add(name)
    for (const { opType, outputs } of graph.nodes)
      if (opType === 'DynamicQuantizeLinear') for (const name of outputs.slice(1)) side.add(name)
    this.#side = addFollowing(graph, side)
  }

  /** Whether a value is a weight, is computed from weights alone, or is an input that was left out. */
  isConstant(value: string): boolean {
    return value === '' || this.graph.initializers.has(value) || this.constants.has(value)
  }

  /** The activations that a node reads. */
  activations(node: GraphNode): string[] {
    return [...new Set(node.inputs)].filter(name => !this.isConstant(name) && !this.#side.has(name))
  }

  makerOf(value: string): GraphNode | undefined {
    return this.graph.producer.get(value)?.node
  }

  /** The nodes that compute with a value, and not with its dims alone. */
  readersOf(value: string): readonly GraphNode[] {
    return (this.graph.consumers.get(value) ?? []).filter(node => !readsShapeOnly(node))
  }

  /** A value and the activations that it is computed from. Those that `isEnd` accepts are not followed further. */
  before(value: string, isEnd: (name: string) => boolean = () => false): ReadonlySet<string> {
    const found = new Set([value])
    for (const name of found) {
      const node = isEnd(name) ? undefined : this.makerOf(name)
      if (node) for (const read of this.activations(node)) found.add(read)
    }
    return found
  }

  /**
   * Follows a value back to the linear layer that it comes from, and gives all values through which every way between them leads. The first is
   * the value itself. The last is the layer's result, or the last one that is found if the value comes from several linear layers, or none.
   */
  wayBack(value: string): Stop[] {
    const isProduct = (name: string): boolean => isMadeByProjection(this, name)
    const products = [...this.before(value, isProduct)].filter(isProduct)
    const from = products.length === 1 ? products[0] : undefined
    const onWay = from === undefined ? undefined : this.#valuesBetween(from, value)
    return this.#stops(value, name => onWay?.has(name) ?? true, from)
  }

  /** All values through which every way from `from` to `to` leads. The first is `to`. */
  wayBetween(from: string, to: string): Stop[] {
    const onWay = this.#valuesBetween(from, to)
    return this.#stops(to, name => onWay.has(name), from)
  }

  #stops(value: string, isOnWay: (name: string) => boolean, from: string | undefined): Stop[] {
    const stops: Stop[] = [{ value, nodes: [] }]
    let open = new Set([value])
    let between: GraphNode[] = []
    for (;;) {
      const last = this.#lastMade(open)
      if (last === undefined || last === from) break
      const node = this.makerOf(last)!
      if (from === undefined && isProjection(this, node)) break
      const reads = this.activations(node).filter(isOnWay)
      if (reads.length === 0) break
      between.push(node)
      open = new Set([...open, ...reads].filter(name => !node.outputs.includes(name)))
      if (open.size > 1) continue
      stops.push({ value: [...open][0], nodes: between })
      between = []
    }
    return stops
  }

  #lastMade(values: Iterable<string>): string | undefined {
    let last: string | undefined
    let at = -1
    for (const value of values) {
      const index = this.makerOf(value)?.index ?? -1
      if (index > at) {
        last = value
        at = index
      }
    }
    return last
  }

  #valuesBetween(from: string, to: string): ReadonlySet<string> {
    const last = this.makerOf(to)?.index ?? -1
    const onWay = new Set([from])
    const first = this.makerOf(from)?.index ?? -1
    for (const node of this.graph.nodes.slice(first + 1, last + 1))
      if (node.inputs.some(name => onWay.has(name))) for (const name of node.outputs) onWay.add(name)
    return onWay
  }
}

const isMadeByProjection = (flow: Flow, value: string): boolean => {
  const node = flow.makerOf(value)
  return node !== undefined && isProjection(flow, node)
}
