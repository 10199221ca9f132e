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
import type { ScannedShape } from './value-shape.ts'

/** Initializers up to this size in bytes stay in the skeleton, because shapes may depend on their elements. */
const KEPT_BYTES = 1024

/** The most rounds of inference. Each round uses the sizes that follow from the dims of the one before. */
const MAX_ROUNDS = 4

/**
 * Finds dtype and dims of every value without running the model. In a skeleton of the model, large initializers are inputs with static
 * dims, and every value is an output; onnxruntime infers their dims while it creates the session. Its basic optimisations fold the
 * arithmetic on shapes, without which many dims stay unknown. If dims are still unknown although the inputs' are fixed, the sizes that the
 * graph computes are computed first (`sizesFrom`) and become constants of the skeleton.
 */
export async function scan(
  graph: OnnxGraph,
  weights: Weights,
  provider: Provider,
  inputs: readonly Edge[],
): Promise<Map<string, ScannedShape>> {
  const skeleton = new Skeleton(graph, weights, provider, inputs)
  // onnxruntime can't create a session without nodes.
  if (graph.nodes.length === 0) return skeleton.shapes
  const isFixed = inputs.every(({ dims }) => dims?.every(dim => typeof dim === 'number'))
  // onnxruntime's inference for its own operators fails on some sizes that are computed in the graph.
  if (isFixed && graph.nodes.some(({ domain }) => domain !== '')) await skeleton.computeSizes()
  await skeleton.infer()
  for (let round = 1; isFixed && round < MAX_ROUNDS; round++) {
    const { unknown } = skeleton
    if (unknown.length === 0 || !(await skeleton.computeSizes(unknown))) break
    await skeleton.infer()
  }
  return skeleton.shapes
}

/** Values for which onnxruntime reports dims [] while some input dims are unknown, by graph: they are scalars, or of unknown rank. */
const unclearRanks = new WeakMap<OnnxGraph, ReadonlySet<string>>()

const rankName = (name: string): string => `${OWN}rank of ${name}`

class Skeleton {
  readonly shapes = new Map<string, ScannedShape>()
  readonly #graph: OnnxGraph
  readonly #weights: Weights
  readonly #provider: Provider
  readonly #inputs: readonly Edge[]
  readonly #keptWeights: string[] = []
  readonly #weightInputs: Edge[] = []
  readonly #special: ReadonlyMap<string, DataType>
  /** Computed sizes, by the name of the value. */
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
        // onnsight has no name for its type, but onnxruntime may use it.
        if (used.has(name)) this.#keptWeights.push(name)
        continue
      }
      const dims = tensor.dims.map(Number)
      this.shapes.set(name, { type, dims })
      if (!used.has(name)) continue
      if (weights.externalBytes(name) > KEPT_BYTES) this.#weightInputs.push({ name, type, dims })
      else this.#keptWeights.push(name)
    }
    for (const { name, type, dims } of inputs) {
      if (type) this.shapes.set(name, { type, dims: dims && knownSizes(dims), ...namedDims(dims) })
    }
  }

  /** Values with an unknown dim or rank. */
  get unknown(): string[] {
    const isUnknown = (name: string): boolean =>
      name !== '' && (this.shapes.get(name)?.dims?.includes(undefined) ?? true)
    return this.#graph.nodes.flatMap(node => node.outputs.filter(isUnknown))
  }

  /** Computes sizes from the dims known so far. Returns whether there are new ones. */
  async computeSizes(unknown: readonly string[] = []): Promise<boolean> {
    const before = this.#sizes.size
    const others = unknown.length === 0 ? unknown : [...unknown, ...this.#sizes.keys()]
    this.#sizes = await sizesFrom(this.#graph, this.#weights, this.#provider, this.shapes, others)
    for (const [name, { type, dims }] of this.#sizes) this.shapes.set(name, { type, dims })
    return this.#sizes.size > before
  }

  /** Lets onnxruntime infer dtypes and dims, and adds them to `shapes`. */
  async infer(): Promise<void> {
    const nodes = withoutInside(this.#graph.nodes).filter(
      node => !node.outputs.every(name => name === '' || this.#sizes.has(name)),
    )
    const outputs = nodes.flatMap(node => node.outputs.filter(name => name !== ''))
    const withUnknownRank = [...(unclearRanks.get(this.#graph) ?? [])].filter(name => !this.#sizes.has(name))
    const session = await this.#provider.create(this.#model(nodes, outputs, withUnknownRank), {
      prepack: false,
      optimize: 'basic',
    })
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
    if (!unclearRanks.has(this.#graph)) unclearRanks.set(this.#graph, open)
    await session.release()
    for (const node of this.#graph.nodes) {
      const { cluster } = node
      if (cluster?.inside && cluster.nodes[0] === node) this.#addInsideShapes(cluster.fused.inputs[0], cluster.inside)
    }
  }

  #addInsideShapes(input: string, inside: ReadonlyMap<string, InsideShape>): void {
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

  #model(nodes: readonly GraphNode[], outputs: readonly string[], withUnknownRank: readonly string[]): SessionModel {
    const shapeNodes = withUnknownRank.map(name =>
      emitNode({ opType: 'Shape', domain: '', attributes: {} }, rankName(name), [name], [rankName(name)]),
    )
    const read = new Set(nodes.flatMap(node => [...node.inputs, ...node.captures]))
    const sizes = [...this.#sizes].filter(([name]) => read.has(name))
    const isSmall = ({ data }: TensorData): boolean => !ArrayBuffer.isView(data) || data.byteLength <= KEPT_BYTES
    const constants = sizes.filter(([, value]) => isSmall(value))
    // The skeleton does not run, so it needs only the dims of a large value.
    const fixed = sizes.filter(([, value]) => !isSmall(value)).map(([name, { type, dims }]) => ({ name, type, dims }))
    return assemble(
      {
        nodes: [...nodes.map(node => node.proto), ...shapeNodes],
        inputs: [...this.#inputs, ...this.#weightInputs, ...fixed],
        outputs: [
          ...outputs.filter(name => !this.#sizes.has(name)).map(name => ({ name, type: this.#typeOf(name) })),
          ...withUnknownRank.map(name => ({ name: rankName(name), type: 'int64' as const })),
        ],
        initializers: this.#keptWeights.filter(name => read.has(name)),
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

/** Replaces expanded nodes by their fused node if the shapes of the values inside are known without inference. */
function withoutInside(nodes: readonly GraphNode[]): GraphNode[] {
  return nodes.flatMap(node => {
    if (!node.cluster?.inside) return [node]
    return node.cluster.nodes[0] === node ? [node.cluster.fused] : []
  })
}

function declaredType(graph: OnnxGraph, name: string): DataType | undefined {
  return graph.valueTypes.get(name)?.type as DataType | undefined
}

/** onnxruntime reports [] for a scalar and for an unknown rank. It is taken for the latter, because wrong dims would be worse. */
function knownDims(dims: readonly (number | string | undefined)[]): Dims | undefined {
  return dims.length === 0 ? undefined : knownSizes(dims)
}

const knownSizes = (dims: readonly (number | string | undefined)[]): Dims =>
  dims.map(dim => (typeof dim === 'number' ? dim : undefined))

/** Keeps the names of dims. Without them onnxruntime does not see that two dims are equal, and fuses less than in the whole model. */
function namedDims(dims: Edge['dims']): Pick<ScannedShape, 'named'> {
  return dims?.some(dim => typeof dim === 'string' && dim !== '') ? { named: dims } : {}
}
