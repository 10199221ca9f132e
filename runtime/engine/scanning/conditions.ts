import { create } from '@bufbuild/protobuf'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { type Branch, branchId } from '../../onnx/rewriting/choose-branches.ts'
import { type NodeProto, NodeProtoSchema } from '../../onnx/schema/onnx_pb.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import { assemble, type Edge, feedName } from '../sessions/assemble.ts'
import { OWN } from '../sessions/own-names.ts'
import type { Provider, Session, SessionModel } from '../sessions/provider.ts'
import type { Weights } from '../sessions/weights.ts'
import { intAttribute } from './shape-arithmetic.ts'
import type { ValueShape } from './value-shape.ts'

/** Limits for the nodes and weights of a condition, because it is computed before every trace. */
const MAX_NODES = 128
const MAX_WEIGHT_BYTES = 4096

/** Operations that a condition may not contain: those that do the model's real work, and random ones. */
const EXCLUDED =
  /^(If|Loop|Scan|SequenceMap|(Conv|MatMul|Gemm|Einsum|LSTM|GRU|RNN|Attention|.*Pool$|Random|Bernoulli|Multinomial).*)$/

/** The result of a Shape node, `dims.slice(start, end)` of the tensor `source`. It is known before a run, from the inputs' dims. */
interface ShapeLeaf {
  readonly name: string
  readonly source: string
  readonly start: number
  readonly end: number | undefined
}

/** The condition of an `If` node, if it can be computed before the model runs: from inputs, small constants and dims only. */
export interface Condition {
  readonly id: string
  /** The node's name, shown to users. */
  readonly label: string
  /** Name of the value that is the condition. */
  readonly value: string
  readonly nodes: readonly GraphNode[]
  readonly inputs: readonly string[]
  readonly shapes: readonly ShapeLeaf[]
  readonly weights: readonly string[]
}

/** The conditions of the main graph's `If` nodes that can be computed before the model runs. */
export function conditionsOf(graph: OnnxGraph, weights: Weights): Condition[] {
  const found = graph.nodes.filter(node => node.opType === 'If').map(node => conditionOf(graph, weights, node))
  return found.filter(condition => condition !== undefined)
}

/** Walks back from a condition to inputs, small constants and dims; undefined if it depends on anything else. */
function conditionOf(graph: OnnxGraph, weights: Weights, node: GraphNode): Condition | undefined {
  const [value] = node.inputs
  const nodes = new Set<GraphNode>()
  const inputs = new Set<string>()
  const read = new Set<string>()
  const shapes = new Map<string, ShapeLeaf>()
  const open = [value]
  while (open.length > 0) {
    const name = open.pop()!
    if (name === '') continue
    if (weights.has(name)) {
      if (weights.externalBytes(name) > MAX_WEIGHT_BYTES) return undefined
      read.add(name)
      continue
    }
    const maker = graph.producer.get(name)?.node
    if (!maker) {
      inputs.add(name)
      continue
    }
    if (maker.opType === 'Shape' && maker.domain === '') {
      shapes.set(name, shapeLeaf(name, maker))
      continue
    }
    if (nodes.has(maker)) continue
    if (maker.domain !== '' || EXCLUDED.test(maker.opType) || nodes.size === MAX_NODES) return undefined
    nodes.add(maker)
    open.push(...maker.inputs, ...maker.captures)
  }
  return {
    id: branchId(node.proto),
    label: node.name,
    value,
    nodes: [...nodes].sort((a, b) => a.index - b.index),
    inputs: [...inputs],
    shapes: [...shapes.values()],
    weights: [...read],
  }
}

function shapeLeaf(name: string, node: GraphNode): ShapeLeaf {
  return { name, source: node.inputs[0], start: intAttribute(node, 'start') ?? 0, end: intAttribute(node, 'end') }
}

/** Computes which branch an `If` node takes. */
export class Decider {
  readonly condition: Condition
  readonly #graph: OnnxGraph
  readonly #weights: Weights
  readonly #provider: Provider
  #session: Promise<Session> | undefined

  constructor(condition: Condition, graph: OnnxGraph, weights: Weights, provider: Provider) {
    this.condition = condition
    this.#graph = graph
    this.#weights = weights
    this.#provider = provider
  }

  /** The branch for these inputs; undefined if it depends on dims that are not known. */
  async decide(
    inputs: ReadonlyMap<string, TensorData>,
    shapeOf: (name: string) => ValueShape | undefined,
  ): Promise<Branch | undefined> {
    const feeds: Record<string, TensorData> = {}
    for (const { name, source, start, end } of this.condition.shapes) {
      const dims = shapeOf(source)?.dims
      if (!dims || dims.includes(undefined)) return undefined
      const part = (dims as number[]).slice(start, end)
      feeds[name] = { type: 'int64', dims: [part.length], data: BigInt64Array.from(part, BigInt) }
    }
    for (const name of this.condition.inputs) {
      const data = inputs.get(name)
      if (!data) return undefined
      feeds[feedName(name, this.#typeOf(name))] = data
    }
    this.#session ??= this.#provider.create(this.#model(), {
      prepack: false,
      optimize: 'basic',
    })
    const { [RESULT]: result } = await (await this.#session).run(feeds, [RESULT])
    return result.data[0] ? 'then' : 'else'
  }

  async release(): Promise<void> {
    await (await this.#session)?.release()
    this.#session = undefined
  }

  #typeOf(name: string): Edge['type'] {
    return this.#graph.inputs.find(input => input.name === name)?.type as Edge['type']
  }

  #model(): SessionModel {
    const { nodes, inputs, shapes, value, weights } = this.condition
    // A session needs a node, and the condition may be an input or a constant.
    const result: NodeProto = create(NodeProtoSchema, { opType: 'Identity', input: [value], output: [RESULT] })
    return assemble(
      {
        nodes: [...nodes.map(node => node.proto), result],
        inputs: [
          ...inputs.map(name => ({
            name,
            type: this.#typeOf(name),
            dims: this.#graph.inputs.find(input => input.name === name)?.dims,
          })),
          ...shapes.map(({ name }) => ({ name, type: 'int64' as const, dims: [undefined] })),
        ],
        outputs: [{ name: RESULT, type: 'bool' }],
        initializers: weights,
      },
      this.#weights,
      this.#graph,
    )
  }
}

const RESULT = `${OWN}condition`
