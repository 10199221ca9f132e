import { Attributes } from '../../onnx/expansions/attributes.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { axesOf, constantInts, fromStart, type Ints } from './constant-ints.ts'
import type { Flow, Stop } from './flow.ts'

/**
 * What an axis of a value counts. `kv`: heads of keys and values that groups of query heads share; `group`: the query heads of one group;
 * `packed`: the elements of a head's query, key and value together, or the heads of several of them.
 */
export type Axis = 'batch' | 'head' | 'kv' | 'group' | 'token' | 'width' | 'packed' | 'query' | 'key'

/** The meaning of a value's axes. An axis with several entries was merged from these, the outermost first; one with none has length 1. */
export type Layout = readonly (readonly Axis[])[]

/** A value on a way, with the meaning of its axes. */
export interface Labelled extends Stop {
  readonly layout: Layout
}

export type DimsOf = (value: string) => Ints | undefined

/** Operators whose result has the axes of their first activation. */
const KEEPS_AXES = new Set(
  (
    'Add Sub Mul Div Cast Identity Neg Dropout Pow Sqrt Where Clip Tanh Concat GatherND ScatterND ScatterElements ' +
    'QuantizeLinear DequantizeLinear DynamicQuantizeLinear LayerNormalization RMSNormalization SimplifiedLayerNormalization ' +
    'LpNormalization RotaryEmbedding Softmax QLinearMul QLinearAdd QLinearSoftmax QLinearConcat'
  ).split(' '),
)

/** Finds what the axes of values mean: it starts at a value whose axes are known, and follows them from node to node. */
export class Layouts {
  readonly #flow: Flow
  readonly #dimsOf: DimsOf

  constructor(flow: Flow, dimsOf: DimsOf) {
    this.#flow = flow
    this.#dimsOf = dimsOf
  }

  rankOf(value: string): number | undefined {
    const known = this.#dimsOf(value)?.length
    const node = this.#flow.makerOf(value)
    if (known !== undefined || !node) return known
    if (node.opType === 'Transpose') return new Attributes(node.proto).ints('perm')?.length
    if (node.opType === 'Reshape') return this.targetOf(node)?.length
    return undefined
  }

  /** The dims that a Reshape asks for, as far as the file says them. */
  targetOf(node: GraphNode): Ints | undefined {
    const [count] = this.#dimsOf(node.inputs[1]) ?? []
    return constantInts(this.#flow.graph, node.inputs[1], count)
  }

  /**
   * The dims of a value, as far as they are known without inputs: from inference, from what the file declares, or from the Reshape, Transpose or
   * Split that makes the value.
   */
  dimsOf(value: string): Ints | undefined {
    const known = this.#declared(value, this.#dimsOf(value))
    const { node, output = 0 } = this.#flow.graph.producer.get(value) ?? {}
    if (node?.opType === 'Reshape') {
      const target = this.targetOf(node)?.map(dim => (dim !== undefined && dim > 0 ? dim : undefined))
      return known?.map((dim, axis) => dim ?? target?.[axis]) ?? target
    }
    if (node?.opType === 'Transpose') {
      const before = this.dimsOf(node.inputs[0])
      const perm = new Attributes(node.proto).ints('perm')
      const permuted = before && perm?.map(axis => before[axis])
      return known?.map((dim, axis) => dim ?? permuted?.[axis]) ?? permuted
    }
    if (node?.opType === 'Split' && known) {
      const attributes = new Attributes(node.proto)
      const sizes = attributes.ints('split') ?? constantInts(this.#flow.graph, node.inputs[1] ?? '')
      const axis = fromStart(attributes.int('axis', 0), known.length)
      const whole = this.dimsOf(node.inputs[0])?.[axis]
      const equal = whole && whole % node.outputs.length === 0 ? whole / node.outputs.length : undefined
      return known.with(axis, known[axis] ?? (sizes ? sizes[output] : equal))
    }
    return known
  }

  /** Inferred dims, and where they are not known those of the file, which PyTorch's second exporter gives for every value. */
  #declared(value: string, inferred: Ints | undefined): Ints | undefined {
    const dims = this.#flow.graph.valueTypes.get(value)?.dims
    if (!inferred || dims?.length !== inferred.length) return inferred
    return inferred.map((dim, axis) => dim ?? (typeof dims[axis] === 'number' ? dims[axis] : undefined))
  }

  /** The layouts of the values on a way back, as far as they follow from the layout of the first value. */
  back(way: readonly Stop[], first: Layout): (Layout | undefined)[] {
    const layouts: (Layout | undefined)[] = [first]
    for (const [i, { value, nodes }] of way.entries()) {
      if (i === 0) continue
      const layout = layouts[i - 1]
      layouts.push(layout && this.#before(layout, way[i - 1].value, value, nodes))
    }
    return layouts
  }

  /** The layout of a node's result, if the activation that it reads has this layout. */
  after(layout: Layout, node: GraphNode): Layout | undefined {
    const value = node.outputs[0]
    if (node.opType === 'Transpose') {
      const perm = new Attributes(node.proto).ints('perm')
      return perm?.length === layout.length ? perm.map(axis => layout[axis]) : undefined
    }
    if (node.opType === 'Reshape') return this.#reshaped(layout, node.inputs[0], value)
    if (node.opType === 'Squeeze') {
      const axes = axesOf(this.#flow.graph, node, 1)?.map(axis => fromStart(axis, layout.length))
      return axes && layout.filter((_, axis) => !axes.includes(axis))
    }
    return KEEPS_AXES.has(node.opType) ? layout : undefined
  }

  #before(layout: Layout, value: string, before: string, nodes: readonly GraphNode[]): Layout | undefined {
    const rank = this.rankOf(before)
    if (nodes.length > 1) return this.#throughSeveral(layout, value, before, nodes)
    const [node] = nodes
    const attributes = new Attributes(node.proto)
    const { graph } = this.#flow
    switch (node.opType) {
      case 'Transpose': {
        const perm = attributes.ints('perm')
        return perm?.length === layout.length ? perm.map((_, axis) => layout[perm.indexOf(axis)]) : undefined
      }
      case 'Reshape':
        return this.#reshaped(layout, value, before)
      case 'Unsqueeze': {
        const axes = axesOf(graph, node, 1)?.map(axis => fromStart(axis, layout.length))
        const isNew = axes?.every(axis => layout[axis]?.every(meaning => meaning === 'group'))
        return isNew ? layout.filter((_, axis) => !axes?.includes(axis)) : undefined
      }
      case 'Squeeze': {
        const axes = axesOf(graph, node, 1)
        if (!axes) return undefined
        const all = axes.map(axis => fromStart(axis, layout.length + axes.length)).sort((a, b) => a - b)
        return all.reduce<Layout>((wider, axis) => wider.toSpliced(axis, 0, []), layout)
      }
      case 'Gather': {
        // Each query head picks the head of keys that its group shares.
        const at = fromStart(attributes.int('axis', 0), layout.length)
        const isPick = String(layout[at]) === 'head' && this.#dimsOf(node.inputs[1])?.length === 1
        return isPick && this.#flow.isConstant(node.inputs[1]) ? layout.with(at, ['kv']) : undefined
      }
      case 'Expand':
        // It may repeat heads that groups of queries share. Before it, an axis for those of one group has length 1.
        return rank === layout.length ? layout.map(axes => BEFORE_REPEAT[String(axes)] ?? axes) : undefined
      case 'Slice': {
        const axes = axesOf(graph, node, 3)?.map(axis => fromStart(axis, layout.length))
        if (axes?.length === 1 && String(layout[axes[0]]) === 'width') return layout.with(axes[0], ['packed'])
        return axes?.every(axis => String(layout[axis]) === 'token') ? layout : undefined
      }
      case 'Split': {
        const at = fromStart(attributes.int('axis', 0), layout.length)
        return String(layout[at]) === 'width' ? layout.with(at, ['packed']) : undefined
      }
      case 'GatherND':
        // It may pick the key or the value out of heads that were packed together.
        return rank === layout.length ? this.#unpicked(layout, value, before) : undefined
      default:
        return KEEPS_AXES.has(node.opType) && (rank === undefined || rank === layout.length) ? layout : undefined
    }
  }

  /**
   * The layout of the value before several nodes that together make one value of it, as in a rotary embedding. It is the same as after them, if
   * none of them is a Transpose, or the dims are equal.
   */
  #throughSeveral(layout: Layout, value: string, before: string, nodes: readonly GraphNode[]): Layout | undefined {
    if (this.rankOf(before) !== layout.length) return undefined
    if (!nodes.some(({ opType }) => opType === 'Transpose')) return layout
    const [then, now] = [this.dimsOf(before), this.dimsOf(value)]
    const isSame = layout.every((axes, i) => {
      return !isFixed(axes) || (then?.[i] !== undefined && then[i] === now?.[i])
    })
    return isSame ? layout : undefined
  }

  /** The layout before a pick. An axis of heads, or of their width, that is longer there holds other parts too. */
  #unpicked(layout: Layout, value: string, before: string): Layout {
    const [dims, others] = [this.dimsOf(value), this.dimsOf(before)]
    return layout.map((axes, i): Layout[number] => {
      const [a, b] = [dims?.[i], others?.[i]]
      if (axes.length === 0) return b === 1 ? axes : ['packed']
      return isFixed(axes) && a !== undefined && b !== undefined && a !== b ? ['packed'] : axes
    })
  }

  /** The layout of `other`, which has the elements of `value` in another shape; undefined if an axis of both would differ in its length. */
  #reshaped(layout: Layout, value: string, other: string): Layout | undefined {
    const next = this.#regrouped(layout, this.rankOf(other))
    const [dims, others] = [this.dimsOf(value), this.dimsOf(other)]
    const isSame = next?.every((axes, i) => {
      const at = layout.findIndex(one => String(one) === String(axes))
      const [a, b] = [at < 0 ? undefined : dims?.[at], others?.[i]]
      return a === undefined || b === undefined || a === b
    })
    return isSame ? next : undefined
  }

  /** The layout of the same elements with another rank. */
  #regrouped(layout: Layout, rank: number | undefined): Layout | undefined {
    const axes = layout.flat()
    const [a, b, c, d] = axes
    const split = (axis: Axis): Layout | undefined => {
      if (axes.length !== 4 || rank !== 5 || !axes.includes(axis)) return undefined
      return axes.flatMap((other): Layout => (other === axis ? [['kv'], ['group']] : [[other]]))
    }
    if (rank === axes.length) return axes.map(axis => [axis])
    if (rank === 5) return split('head')
    if (axes.length === 5 && rank === 4) {
      const at = axes.indexOf('group')
      return axes[at - 1] === 'kv' ? axes.toSpliced(at - 1, 2, 'head').map(axis => [axis]) : undefined
    }
    if (axes.length !== 4) return undefined
    const isHead = (axis: Axis): boolean => axis === 'head' || axis === 'kv'
    if (rank === 3 && isHead(c)) return [[a], [b], [c, d]]
    if (rank === 3 && isHead(b)) return [[a, b], [c], [d]]
    if (rank === 2 && isHead(c))
      return [
        [a, b],
        [c, d],
      ]
    return undefined
  }
}

/** The meanings of axes before heads are repeated, by those after it. */
const BEFORE_REPEAT: Readonly<Record<string, readonly Axis[]>> = { head: ['kv'], group: [] }

/** Whether an axis has the same length for all inputs. */
const isFixed = (axes: readonly Axis[]): boolean =>
  axes.some(axis => axis === 'head' || axis === 'kv' || axis === 'width')
