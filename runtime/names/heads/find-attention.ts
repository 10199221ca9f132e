import { Attributes } from '../../onnx/expansions/attributes.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Attention, HeadPlace, NoAttention, OutProjection, Part } from './attention.ts'
import type { Flow, Stop } from './flow.ts'
import { hasHeadsApart, headAxes, isApart } from './head-axes.ts'
import { dimsOfMatrix, HeadSizes } from './head-sizes.ts'
import { type DimsOf, type Labelled, type Layout, Layouts } from './layout.ts'
import { own } from './own-value.ts'
import { factorsOf, isProjection, matrixOf } from './projection.ts'

const QUANTISERS = new Set(['QuantizeLinear', 'DynamicQuantizeLinear', 'DequantizeLinear'])

/** Operators that may lie between the Softmax and the product of the pattern with the values. */
const AFTER_SOFTMAX = new Set(
  'Cast Identity Dropout Where IsNaN Mul Div Reshape Slice QuantizeLinear DequantizeLinear DynamicQuantizeLinear'.split(
    ' ',
  ),
)

/** The values on the way from the heads' mixes to the next linear layer, and the nodes that read the last one of them. */
interface Mixed {
  readonly known: Labelled[]
  readonly next: readonly GraphNode[]
  readonly value: string
}

/**
 * The attention that a Softmax belongs to; undefined for a Softmax that mixes no values. Scaled dot-product attention (Vaswani et al.
 * 2017, arXiv:1706.03762) is found by its two products: queries with keys before the Softmax, the pattern with the values after it. From
 * there the axes of each value are followed to the linear layers that make queries, keys and values, and to the one that takes the heads'
 * results.
 */
export function attentionAt(flow: Flow, dimsOf: DimsOf, softmax: GraphNode): Attention | NoAttention | undefined {
  return new Search(flow, new Layouts(flow, dimsOf), softmax).found()
}

class Search {
  readonly #flow: Flow
  readonly #layouts: Layouts
  readonly #softmax: GraphNode
  readonly #sizes: HeadSizes
  readonly #places = new Map<Part, HeadPlace>()
  readonly #reasons = new Map<Part | 'result', string>()

  constructor(flow: Flow, layouts: Layouts, softmax: GraphNode) {
    this.#flow = flow
    this.#layouts = layouts
    this.#softmax = softmax
    this.#sizes = new HeadSizes(flow, layouts)
  }

  found(): Attention | NoAttention | undefined {
    const node = this.#softmax
    const mix = this.#mix()
    if (!mix) return undefined
    const product = this.#scoreProduct()
    const none = (reason: string): NoAttention => ({ node, reason })
    if (!product) return none(`the scores of ${node.name} are no product of queries and keys`)
    const rank = this.#rankOfPattern(mix.node, product.node)
    if (rank === undefined) return none(`the rank of ${node.name}’s result is not known`)
    if (rank !== 3 && rank !== 4)
      return none(`${node.name} has ${rank} axes, where [batch, head, query, key] was expected`)
    const axis = new Attributes(node.proto).int('axis', -1)
    if (axis !== -1 && axis !== rank - 1)
      return none(`${node.name} is taken over axis ${axis}, which is not that of the keys`)

    const scored = this.#rankOfProduct(product) ?? rank
    const mixed = this.#rankOfProduct(mix) ?? rank
    const q = this.#labelled(this.#flow.wayBack(product.factors[0]), headAxes(scored, 'token', 'width'))
    const k = this.#labelled(this.#flow.wayBack(product.factors[1]), headAxes(scored, 'width', 'token'))
    const v = this.#labelled(this.#flow.wayBack(mix.factors[1]), headAxes(mixed, 'token', 'width'))
    const pattern = this.#pattern(mix.factors[0], headAxes(mixed, 'query', 'key'))
    const out = this.#mixed(mix.node.outputs[0], headAxes(mixed, 'token', 'width'))

    this.#sizes.measure('q', q.known)
    this.#sizes.measure('k', k.known)
    this.#sizes.measure('v', v.known)
    this.#sizes.measure('z', out.known)
    this.#sizes.measure('pattern', pattern.known)
    const heads = this.#sizes.heads(out.known)
    if (!heads)
      return none(`the number of heads of ${node.name} is not known: no dim of its queries or results tells it`)

    // A product of three axes may hold heads beside queries instead of beside the batch: only a value with heads beside their width tells.
    const merged = [...(scored === 3 ? q.known : []), ...(mixed === 3 ? out.known : [])]
    if (heads > 1 && merged.length > 0 && !merged.some(({ layout }) => hasHeadsApart(layout)))
      return none(
        `heads and batch of ${node.name} can’t be told apart: no value before or after it has the heads alone`,
      )

    this.#sizes.measureWidth(heads, out.known)

    const shared = this.#shared([q.way, k.way, v.way])
    this.#place('q', own(this.#flow, q.known, shared), heads)
    this.#place('k', own(this.#flow, k.known, shared), heads)
    this.#place('v', own(this.#flow, v.known, shared), heads)
    this.#placeRotated('rotQ', q.known)
    this.#placeRotated('rotK', k.known)
    this.#places.set('pattern', { value: pattern.value, layout: pattern.layout, heads, width: undefined })
    const scores = this.#scores()
    const ofScores = headAxes(this.#layouts.rankOf(scores) ?? rank, 'query', 'key')
    this.#places.set('scores', { value: scores, layout: ofScores, heads, width: undefined })
    const z = out.known.findLast(({ layout }) => isApart(layout)) ?? out.known[0]
    this.#place('z', z, heads)
    const outProjection = this.#outProjection(out, heads)
    return {
      node,
      heads,
      places: this.#places,
      out: outProjection,
      reasons: this.#reasons,
      isCross: this.#isCross(q.way, k.way),
    }
  }

  /** The product of the pattern with the values. */
  #mix(): { node: GraphNode; factors: readonly [string, string] } | undefined {
    const seen = new Set<string>()
    const open = [this.#softmax.outputs[0]]
    for (let value = open.shift(); value !== undefined; value = open.shift()) {
      for (const node of this.#flow.readersOf(value)) {
        const factors = factorsOf(this.#flow, node)
        if (factors && factors[0] === value) return { node, factors }
        if (!AFTER_SOFTMAX.has(node.opType) || seen.has(node.outputs[0])) continue
        seen.add(node.outputs[0])
        open.push(node.outputs[0])
      }
    }
    return undefined
  }

  /** The product of queries and keys: the last one before the Softmax. */
  #scoreProduct(): { node: GraphNode; factors: readonly [string, string] } | undefined {
    const open = new Map<number, GraphNode>()
    const add = (value: string): void => {
      const node = this.#flow.makerOf(value)
      if (node) open.set(node.index, node)
    }
    for (const value of this.#flow.activations(this.#softmax)) add(value)
    while (open.size > 0) {
      const last = Math.max(...open.keys())
      const node = open.get(last)!
      open.delete(last)
      const factors = factorsOf(this.#flow, node)
      if (factors) return { node, factors }
      if (!isProjection(this.#flow, node)) for (const value of this.#flow.activations(node)) add(value)
    }
    return undefined
  }

  /** The rank of a product of activations, as far as its result or a factor tells. It may merge batch and heads, though the Softmax does not. */
  #rankOfProduct({ node, factors }: { node: GraphNode; factors: readonly [string, string] }): number | undefined {
    const ranks = [...node.outputs.slice(0, 1), ...factors].map(value => this.#layouts.rankOf(value))
    return ranks.find(rank => rank !== undefined)
  }

  #rankOfPattern(mix: GraphNode, product: GraphNode): number | undefined {
    const [next] = this.#flow.readersOf(mix.outputs[0])
    const known = [this.#softmax.outputs[0], mix.outputs[0], product.outputs[0], ...mix.inputs].map(value =>
      this.#layouts.rankOf(value),
    )
    const perm = next?.opType === 'Transpose' ? new Attributes(next.proto).ints('perm')?.length : undefined
    return known.find(rank => rank !== undefined) ?? perm
  }

  #labelled(way: readonly Stop[], first: Layout): { way: readonly Stop[]; known: Labelled[] } {
    const layouts = this.#layouts.back(way, first)
    const known: Labelled[] = []
    for (const [i, stop] of way.entries()) {
      const layout = layouts[i]
      if (!layout) break
      known.push({ ...stop, layout })
    }
    return { way, known }
  }

  /** The pattern in the form in which it mixes the values: the last value before it is quantised. */
  #pattern(factor: string, layout: Layout): Labelled & { known: Labelled[] } {
    const { known } = this.#labelled(this.#flow.wayBetween(this.#softmax.outputs[0], factor), layout)
    const last = known.find(({ value }) => !QUANTISERS.has(this.#flow.makerOf(value)?.opType ?? ''))
    return { ...(last ?? known[0]), known }
  }

  /** The input of the Softmax, without a sink, which is a score of no key. */
  #scores(): string {
    const [value] = this.#softmax.inputs
    const node = this.#flow.makerOf(value)
    return node?.opType === 'Concat' && new Attributes(node.proto).int('axis', 0) === -1 ? node.inputs[0] : value
  }

  /** Follows the heads' mixes to the linear layer that reads them. */
  #mixed(value: string, layout: Layout): Mixed {
    const known: Labelled[] = [{ value, layout, nodes: [] }]
    let current = value
    let axes = layout
    for (;;) {
      const readers = this.#flow.readersOf(current)
      const [node] = readers
      if (readers.length !== 1 || isProjection(this.#flow, node)) return { known, next: readers, value: current }
      const next = this.#layouts.after(axes, node)
      const isMove =
        next && this.#flow.activations(node).length === 1 && !/^(Add|Sub|Mul|Div|Concat)$/.test(node.opType)
      if (!isMove) return { known, next: readers, value: current }
      axes = next
      ;[current] = node.outputs
      const isQuantised =
        QUANTISERS.has(node.opType) || QUANTISERS.has(this.#flow.makerOf(node.inputs[0])?.opType ?? '')
      if (!isQuantised) known.push({ value: current, layout: axes, nodes: [node] })
    }
  }

  /** Values on the ways of more than one of queries, keys and values. */
  #shared(ways: readonly (readonly Stop[])[]): ReadonlySet<string> {
    const counts = new Map<string, number>()
    for (const way of ways) for (const { value } of way) counts.set(value, (counts.get(value) ?? 0) + 1)
    return new Set([...counts].filter(([, count]) => count > 1).map(([value]) => value))
  }

  #place(part: Part, found: Labelled | undefined, heads: number): void {
    if (!found) {
      this.#reasons.set(
        part,
        `queries, keys and values of ${this.#softmax.name} can’t be told apart before they are multiplied`,
      )
      return
    }
    const { value, layout } = found
    const sizes = this.#sizes.of(part, found, heads)
    if (!sizes) {
      this.#reasons.set(part, `the number of heads of ${value} is not known`)
      return
    }
    this.#places.set(part, { value, layout, ...sizes })
  }

  /** Places queries or keys after a rotary embedding. Between it and the product of both, nodes only move, scale or cache them. */
  #placeRotated(part: 'rotQ' | 'rotK', known: readonly Labelled[]): void {
    const at = known.findLastIndex(({ nodes }, i) => i > 0 && nodes.length > 1 && this.#turns(nodes))
    const before = this.#places.get(part === 'rotQ' ? 'q' : 'k')
    if (at > 0 && before) {
      const { value, layout } = known[at - 1]
      this.#places.set(part, { ...before, value, layout })
      return
    }
    this.#reasons.set(part, `no rotary embedding lies between the projection and ${this.#softmax.name}`)
  }

  /** Whether one of these nodes multiplies by angles, which are computed from positions alone. */
  #turns(nodes: readonly GraphNode[]): boolean {
    return nodes.some(
      node =>
        node.opType === 'Mul' &&
        node.inputs.length === 2 &&
        this.#flow.activations(node).length === 1 &&
        !node.inputs.some(input => this.#flow.graph.initializers.has(input)),
    )
  }

  #outProjection({ known, next, value }: Mixed, heads: number): OutProjection | undefined {
    const no = (reason: string): undefined => void this.#reasons.set('result', reason)
    const [node] = next
    if (next.length !== 1)
      return no(`the heads’ results, ${value}, are read by ${next.length} nodes and not by one linear layer`)
    if (!isProjection(this.#flow, node))
      return no(`${node.name} (${node.opType}) lies between the heads and a linear layer`)
    const { layout } = known[known.length - 1]
    if (String(layout.at(-1)) !== 'head,width') return no(`${node.name} takes the heads in an order that is not known`)
    const matrix = matrixOf(this.#flow, node)
    if (!matrix) return no(`the weights of ${node.name} (${node.opType}) are packed in a way that is not known`)
    const width = this.#places.get('z')?.width
    if (!width) {
      const z = this.#places.get('z')
      const dims = dimsOfMatrix(this.#layouts, matrix)
      if (!z || !dims?.[0]) return no(`the width of a head of ${value} is not known`)
      this.#places.set('z', { ...z, width: dims[0] / heads })
    }
    const output = this.#sumOf(node)
    return output === undefined
      ? no(`the result of ${node.name} is not followed to its three axes`)
      : { matrix, output }
  }

  /** The linear layer's result after it is scaled, if it was quantised, and with separate axes for batch and position. */
  #sumOf(projection: GraphNode): string | undefined {
    let node = projection
    for (;;) {
      const [value] = node.outputs
      const isPlain = node.opType !== 'MatMulInteger' && !(node.opType === 'Cast' && this.#isInteger(node))
      if (isPlain && (this.#layouts.rankOf(value) ?? 3) === 3) return value
      const readers = this.#flow.readersOf(value)
      if (readers.length !== 1 || !/^(Cast|Mul|Add|Reshape|DequantizeLinear)$/.test(readers[0].opType)) return undefined
      if (this.#flow.activations(readers[0]).length !== 1) return undefined
      ;[node] = readers
    }
  }

  #isInteger(cast: GraphNode): boolean {
    return this.#flow.makerOf(cast.inputs[0])?.opType === 'MatMulInteger'
  }

  #isCross(q: readonly Stop[], k: readonly Stop[]): boolean {
    const source = (way: readonly Stop[]): string | undefined => {
      const node = this.#flow.makerOf(way[way.length - 1].value)
      return node && isProjection(this.#flow, node) ? node.inputs[0] : undefined
    }
    const [a, b] = [source(q), source(k)]
    // Keys that come only from a cache belong to an encoder.
    return b === undefined ? a !== undefined : a !== b && !this.#isSameInput(a, b)
  }

  /** Whether both are quantised or reshaped from the same activation. */
  #isSameInput(a: string | undefined, b: string): boolean {
    const origin = (value: string | undefined): string | undefined => {
      const node = value === undefined ? undefined : this.#flow.makerOf(value)
      const isSame = node && (QUANTISERS.has(node.opType) || node.opType === 'Reshape' || node.opType === 'Cast')
      return isSame ? origin(node.inputs[0]) : value
    }
    return origin(a) === origin(b)
  }
}
