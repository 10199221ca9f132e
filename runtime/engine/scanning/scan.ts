import type { Dims } from '../../graph/expression.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode, InsideShape } from '../../onnx/graph/node.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import { type DataType, isHeld } from '../../tensor/dtypes/dtype.ts'
import { dataTypeOf } from '../../tensor/dtypes/element-type.ts'
import { assemble, type Edge, fetchedValue } from '../sessions/assemble.ts'
import { emitNode, emitTensor } from '../sessions/emit.ts'
import { OWN } from '../sessions/own-names.ts'
import type { Provider, SessionModel } from '../sessions/provider.ts'
import { specialTypes } from '../sessions/special-types.ts'
import type { Weights } from '../sessions/weights.ts'
import { sizesFrom } from './shape-values.ts'
import type { ValueShape } from './value-shape.ts'

/** Initializers up to this size stay in the skeleton: shapes may depend on their numbers. */
const KEPT_BYTES = 1024

/** Rounds of inference at most: sizes that follow from the dims of one round are put into the next. */
const MOST_ROUNDS = 4

/**
 * Shapes and dtypes of every value, without weights: the large initializers become inputs with their static shape, every value an
 * output, and onnxruntime infers the rest while it creates the session; its basic optimisations fold the shape arithmetic, without
 * which many dims stay open. Where that leaves dims unknown although the inputs' are fixed, the sizes that the graph computes are
 * computed first (`sizesFrom`) and stand in the skeleton as constants. Of the model itself nothing is run.
 */
export async function scan(
  graph: OnnxGraph,
  weights: Weights,
  provider: Provider,
  inputs: readonly Edge[],
): Promise<Map<string, ValueShape>> {
  const skeleton = new Skeleton(graph, weights, provider, inputs)
  // onnxruntime can't make a session of nothing.
  if (graph.nodes.length === 0) return skeleton.shapes
  const isFixed = inputs.every(({ dims }) => dims?.every(dim => typeof dim === 'number'))
  // onnxruntime's inference for its own operators reads sizes, and fails on some that are computed in the graph.
  if (isFixed && graph.nodes.some(({ domain }) => domain !== '')) await skeleton.computeSizes()
  await skeleton.infer()
  for (let round = 1; isFixed && round < MOST_ROUNDS; round++) {
    const { unknown } = skeleton
    if (unknown.length === 0 || !(await skeleton.computeSizes(unknown))) break
    await skeleton.infer()
  }
  return skeleton.shapes
}

/** Values of which onnxruntime says [] while dims are open, by graph: scalars, or values of which not even the rank is known. */
const unclear = new WeakMap<OnnxGraph, ReadonlySet<string>>()

const rankName = (name: string): string => `${OWN}rank of ${name}`

class Skeleton {
  readonly shapes = new Map<string, ValueShape>()
  readonly #graph: OnnxGraph
  readonly #weights: Weights
  readonly #provider: Provider
  readonly #inputs: readonly Edge[]
  readonly #kept: string[] = []
  readonly #fed: Edge[] = []
  readonly #special: ReadonlyMap<string, DataType>
  /** Sizes that are known, by name. */
  #sizes: ReadonlyMap<string, TensorData> = new Map()

  constructor(graph: OnnxGraph, weights: Weights, provider: Provider, inputs: readonly Edge[]) {
    this.#graph = graph
    this.#weights = weights
    this.#provider = provider
    this.#inputs = inputs
    this.#special = specialTypes(graph)
    const used = new Set<string>()
    for (const node of graph.nodes) for (const value of [...node.inputs, ...node.captures]) used.add(value)
    for (const [name, tensor] of graph.initializers) {
      const type = dataTypeOf(tensor.dataType)
      if (!type) {
        // Of a type that onnsight has no name for: onnxruntime knows what it is.
        if (used.has(name)) this.#kept.push(name)
        continue
      }
      const dims = tensor.dims.map(Number)
      this.shapes.set(name, { type, dims })
      if (!used.has(name)) continue
      if (weights.externalBytes(name) > KEPT_BYTES) this.#fed.push({ name, type, dims })
      else this.#kept.push(name)
    }
    for (const { name, type, dims } of inputs) {
      if (type) this.shapes.set(name, { type, dims: dims && knownSizes(dims), ...namedDims(dims) })
    }
  }

  /** Values of which some dim, or even the rank, is not known yet. */
  get unknown(): string[] {
    const isUnknown = (name: string): boolean =>
      name !== '' && (this.shapes.get(name)?.dims?.includes(undefined) ?? true)
    return this.#graph.nodes.flatMap(node => node.outputs.filter(isUnknown))
  }

  /** Whether values have become known that were not. */
  async computeSizes(unknown: readonly string[] = []): Promise<boolean> {
    const before = this.#sizes.size
    const others = unknown.length === 0 ? unknown : [...unknown, ...this.#sizes.keys()]
    this.#sizes = await sizesFrom(this.#graph, this.#weights, this.#provider, this.shapes, others)
    for (const [name, { type, dims }] of this.#sizes) this.shapes.set(name, { type, dims })
    return this.#sizes.size > before
  }

  /** Lets onnxruntime infer what is not known. */
  async infer(): Promise<void> {
    const nodes = withoutInside(this.#graph.nodes).filter(
      node => !node.outputs.every(name => name === '' || this.#sizes.has(name)),
    )
    const made = nodes.flatMap(node => node.outputs.filter(name => name !== ''))
    const probed = [...(unclear.get(this.#graph) ?? [])].filter(name => !this.#sizes.has(name))
    const session = await this.#provider.create(this.#model(nodes, made, probed), { prepack: false, optimize: 'basic' })
    const ranks = new Map<string, number>()
    for (const { name, dims } of session.outputs)
      if (name.startsWith(rankName('')) && typeof dims[0] === 'number') ranks.set(name, dims[0])
    const open = new Set<string>()
    for (const output of session.outputs) {
      const name = fetchedValue(output.name)
      if (output.type === 'other' || ranks.has(output.name) || name.startsWith(rankName(''))) continue
      const known = this.#typeOf(name)
      const type = known && !isHeld(known) ? known : (output.type as DataType)
      const isScalar = output.dims.length === 0 && ranks.get(rankName(name)) === 0
      if (output.dims.length === 0 && !isScalar) open.add(name)
      this.shapes.set(name, { type, dims: isScalar ? [] : knownDims(output.dims), ...namedDims(output.dims) })
    }
    if (!unclear.has(this.#graph)) unclear.set(this.#graph, open)
    await session.release()
    for (const node of this.#graph.nodes) {
      const { cluster } = node
      if (cluster?.inside && cluster.nodes[0] === node) this.#tellInside(cluster.fused.inputs[0], cluster.inside)
    }
  }

  #tellInside(input: string, inside: ReadonlyMap<string, InsideShape>): void {
    const from = this.shapes.get(input)
    if (!from) return
    for (const [name, { reduced, isWide }] of inside) {
      const at = <D>(dims: readonly D[]) => dims.map((dim, axis) => (reduced.includes(axis - dims.length) ? 1 : dim))
      this.shapes.set(name, {
        type: isWide ? 'float32' : from.type,
        dims: from.dims && at(from.dims),
        ...(from.named ? { named: at(from.named) } : {}),
      })
    }
  }

  #model(nodes: readonly GraphNode[], made: readonly string[], probed: readonly string[]): SessionModel {
    const probes = probed.map(name =>
      emitNode({ opType: 'Shape', domain: '', attributes: {} }, rankName(name), [name], [rankName(name)]),
    )
    const read = new Set(nodes.flatMap(node => [...node.inputs, ...node.captures]))
    const sizes = [...this.#sizes].filter(([name]) => read.has(name))
    const isSmall = ({ data }: TensorData): boolean => !ArrayBuffer.isView(data) || data.byteLength <= KEPT_BYTES
    const constants = sizes.filter(([, value]) => isSmall(value))
    // Nothing is run: of a large value the dims are enough.
    const fixed = sizes.filter(([, value]) => !isSmall(value)).map(([name, { type, dims }]) => ({ name, type, dims }))
    return assemble(
      {
        nodes: [...nodes.map(node => node.proto), ...probes],
        inputs: [...this.#inputs, ...this.#fed, ...fixed],
        outputs: [
          ...made.filter(name => !this.#sizes.has(name)).map(name => ({ name, type: this.#typeOf(name) })),
          ...probed.map(name => ({ name: rankName(name), type: 'int64' as const })),
        ],
        initializers: this.#kept.filter(name => read.has(name)),
        constants: constants.map(([name, value]) => emitTensor(name, value)),
      },
      this.#weights,
      this.#graph,
    )
  }

  #typeOf(name: string): DataType | undefined {
    return declaredType(this.#graph, name) ?? this.#special.get(name)
  }
}

/** What the shapes inside of are known by themselves is fused, as in the file. */
function withoutInside(nodes: readonly GraphNode[]): GraphNode[] {
  return nodes.flatMap(node => {
    if (!node.cluster?.inside) return [node]
    return node.cluster.nodes[0] === node ? [node.cluster.fused] : []
  })
}

function declaredType(graph: OnnxGraph, name: string): DataType | undefined {
  return graph.valueTypes.get(name)?.type as DataType | undefined
}

/** onnxruntime says [] for a scalar and for a rank it does not know: taken for the latter, as a wrong shape would be worse. */
function knownDims(dims: readonly (number | string | undefined)[]): Dims | undefined {
  return dims.length === 0 ? undefined : knownSizes(dims)
}

const knownSizes = (dims: readonly (number | string | undefined)[]): Dims =>
  dims.map(dim => (typeof dim === 'number' ? dim : undefined))

/** Without their names onnxruntime does not see that two dims are equal, and fuses less than it does in the whole model. */
function namedDims(dims: Edge['dims']): Pick<ValueShape, 'named'> {
  return dims?.some(dim => typeof dim === 'string' && dim !== '') ? { named: dims } : {}
}
