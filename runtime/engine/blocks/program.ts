import type { Dims } from '../../graph/expression.ts'
import type { Taps } from '../../names/taps.ts'
import type { ModuleTree } from '../../names/tree.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { asInFile } from '../../onnx/graph/node.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'
import { dataTypeOf } from '../../tensor/dtypes/element-type.ts'
import type { ScannedShape } from '../scanning/value-shape.ts'
import { assemble, type Edge, type Opsets } from '../sessions/assemble.ts'
import type { SessionModel } from '../sessions/provider.ts'
import type { Weights } from '../sessions/weights.ts'
import type { Block, Part } from './blocks.ts'
import type { Group } from './groups.ts'
import { SourceInputs } from './source-inputs.ts'

export interface ProgramParts {
  /** Unique in the process: part of every key. */
  readonly id: string
  readonly graph: OnnxGraph
  readonly tree: ModuleTree
  readonly taps: Taps
  readonly weights: Weights
  readonly blocks: readonly Block[]
  readonly groups: readonly Group[]
  /** Dtype and dims of every value, symbolic dims left open. */
  readonly shapes: ReadonlyMap<string, ScannedShape>
}

/** A model as the linker sees it: its graph, its modules and its blocks. Immutable. */
export class Program {
  readonly id: string
  readonly graph: OnnxGraph
  readonly tree: ModuleTree
  readonly taps: Taps
  readonly weights: Weights
  readonly blocks: readonly Block[]
  readonly groups: readonly Group[]
  /** Version of the default operator set. */
  readonly opset: number
  readonly #shapes: ReadonlyMap<string, ScannedShape>
  readonly #blockOf: readonly number[]
  readonly #groupOf: readonly Group[]
  readonly #sources: SourceInputs
  readonly #inputs: ReadonlySet<string>
  readonly #outputs: ReadonlySet<string>
  readonly #blockInputs: readonly ReadonlySet<string>[]
  /** Values that some block reads from outside. */
  readonly #edges: ReadonlySet<string>
  readonly #blockOutputs: readonly ReadonlySet<string>[]

  constructor({ id, graph, tree, taps, weights, blocks, groups, shapes }: ProgramParts) {
    this.id = id
    this.graph = graph
    this.tree = tree
    this.taps = taps
    this.weights = weights
    this.blocks = blocks
    this.groups = groups
    this.#groupOf = groups.flatMap(group => group.blocks.map(() => group))
    this.#sources = new SourceInputs(graph)
    this.opset = graph.opsets.get('') ?? 1
    this.#shapes = shapes
    const blockOf: number[] = []
    for (const block of blocks) for (const node of block.nodes) blockOf[node.index] = block.index
    this.#blockOf = blockOf
    this.#inputs = new Set(graph.inputs.map(input => input.name))
    this.#outputs = new Set(graph.outputs.map(output => output.name))
    this.#blockInputs = blocks.map(block => new Set(block.inputs))
    this.#blockOutputs = blocks.map(block => new Set(block.outputs))
    this.#edges = new Set(blocks.flatMap(block => block.inputs))
  }

  /** Dtype and dims of every value, as far as they hold for all dims of the inputs. */
  get openShapes(): ReadonlyMap<string, ScannedShape> {
    return this.#shapes
  }

  get opsets(): Opsets {
    return this.graph
  }

  /** The group that a block belongs to. */
  groupOf(block: number): Group {
    return this.#groupOf[block]
  }

  blockOf(node: GraphNode): number {
    return this.#blockOf[node.index]
  }

  isInput(name: string): boolean {
    return this.#inputs.has(name)
  }

  isOutput(name: string): boolean {
    return this.#outputs.has(name)
  }

  isBlockInput(block: number, name: string): boolean {
    return this.#blockInputs[block].has(name)
  }

  isBlockOutput(block: number, name: string): boolean {
    return this.#blockOutputs[block].has(name)
  }

  typeOf(name: string): DataType | undefined {
    const weight = this.weights.get(name)
    return weight ? dataTypeOf(weight.dataType) : this.#shapes.get(name)?.type
  }

  /** Dims of a value; undefined for those that depend on the inputs. */
  dimsOf(name: string): Dims | undefined {
    return this.#shapes.get(name)?.dims
  }

  /** The nodes of a module that compute the value `to` from the value `from`, in running order. */
  nodesBetween(module: string, from: string, to: string): GraphNode[] {
    const inside = new Set(this.tree.get(module)?.nodes ?? [])
    const needed = new Set<GraphNode>()
    const open = [to]
    while (open.length > 0) {
      const name = open.pop()!
      if (name === from) continue
      const node = this.graph.producer.get(name)?.node
      if (!node || needed.has(node) || !inside.has(node.index)) continue
      needed.add(node)
      open.push(...node.inputs, ...node.captures)
    }
    return [...needed].sort((a, b) => a.index - b.index)
  }

  /** Whether a later block reads the value. */
  isBetweenBlocks(name: string): boolean {
    return this.#edges.has(name)
  }

  /** Names of the model's inputs that a value depends on. */
  inputsOf(name: string): readonly string[] {
    return this.#sources.inputsOf(name)
  }

  /** Bytes of the weights of a block or group that lie in files. */
  externalBytes(part: Part): number {
    let bytes = 0
    for (const name of this.#weightsOf(asInFile(part.nodes))) bytes += this.weights.externalBytes(name)
    return bytes
  }

  /** Bytes that a session of a block or group has of its own if its weights are packed. */
  packedBytes(part: Part): number {
    let bytes = 0
    for (const name of this.#weightsOf(asInFile(part.nodes))) bytes += this.weights.packedBytes(name)
    return bytes
  }

  /** The model of an unedited block or group. */
  partModel(part: Part): SessionModel {
    const nodes = asInFile(part.nodes)
    const edge = (name: string): Edge => {
      const dims = this.#shapes.get(name)?.named ?? this.dimsOf(name)
      return { name, type: this.typeOf(name), dims }
    }
    return assemble(
      {
        nodes: nodes.map(node => node.proto),
        inputs: part.inputs.map(edge),
        outputs: part.outputs.map(edge),
        initializers: this.#weightsOf(nodes),
      },
      this.weights,
      this.graph,
    )
  }

  #weightsOf(nodes: readonly GraphNode[]): Set<string> {
    const names = new Set<string>()
    for (const node of nodes)
      for (const name of [...node.inputs, ...node.captures]) if (this.weights.has(name)) names.add(name)
    return names
  }
}
