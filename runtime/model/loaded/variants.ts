import { LRUCache } from 'lru-cache'
import type { Engine } from '../../engine/engine.ts'
import { type Condition, conditionsOf, Decider } from '../../engine/scanning/conditions.ts'
import { scan } from '../../engine/scanning/scan.ts'
import type { ValueShape } from '../../engine/scanning/value-shape.ts'
import type { Provider } from '../../engine/sessions/provider.ts'
import { type WeightPreparation, Weights } from '../../engine/sessions/weights.ts'
import { elementsKey } from '../../graph/elements-key.ts'
import type { Alignment } from '../../onnx/expansions/expansion.ts'
import { ExpansionRefused, hasExpandableNodes } from '../../onnx/graph/clusters.ts'
import { buildGraph, type OnnxGraph } from '../../onnx/graph/graph.ts'
import { type Branch, bodyOf, branchId, takeBranches } from '../../onnx/rewriting/choose-branches.ts'
import { embedBodyWeights } from '../../onnx/rewriting/embed-body-weights.ts'
import type { GraphProto, ModelProto, NodeProto } from '../../onnx/schema/onnx_pb.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'
import { isPaddedLeft, lengthMasks, paddedLeftRefused } from './padding.ts'

/** A model with chosen branches: a merged decoder has one variant for prompts and one for later tokens. */
export interface Variant {
  readonly engine: Engine
  /** Values that chose the branches. A trace can't change them. */
  readonly decided: ReadonlySet<string>
  /** The choices, shown to users: `If_0: then, chosen by use_cache_branch`. */
  readonly branches: readonly string[]
}

export type Inputs = ReadonlyMap<string, TensorData>

/** Creates the engine of a graph, without its sessions. */
export type EngineMaker = (graph: OnnxGraph, weights: Weights) => Promise<Engine>

/** The model that variants are made of. */
export interface VariantSource {
  /** The model's message, with functions inlined. */
  readonly proto: ModelProto
  /** How weights are passed to sessions. */
  readonly preparation: WeightPreparation
  /** The side on which rows of unequal lengths are aligned, for operators that take lengths instead of a mask. */
  readonly rows?: Alignment
  /** The branches that were taken already, stage by stage, by `branchId`. */
  readonly takenBranches?: readonly ReadonlyMap<string, Branch>[]
}

/** A graph that onnxruntime can run. Weights inside bodies are in memory, because onnxruntime maps those of the main graph only. */
interface Runnable {
  readonly graph: OnnxGraph
  readonly weights: Weights
}

interface Choice {
  readonly condition: Condition
  readonly branch: Branch
}

/**
 * The model after some choices of branches. Deciding conditions leads to the next stage, in whose graph the branches' nodes replace the
 * `If` nodes. The last stage is run.
 */
class Stage {
  readonly graph: OnnxGraph
  readonly weights: Weights
  readonly choices: readonly Choice[]
  readonly deciders: readonly Decider[]
  readonly #proto: ModelProto
  readonly #preparation: WeightPreparation
  readonly #provider: Provider
  readonly #makeEngine: EngineMaker
  readonly #rows: Alignment
  readonly #takenBranches: readonly ReadonlyMap<string, Branch>[]
  /** Masks that the lengths come from which operators take instead of a mask. */
  readonly #masks: readonly string[]
  #paddedLeft: Stage | undefined
  readonly #next = new Map<string, Stage>()
  readonly #decided = new LRUCache<string, readonly Choice[]>({ max: MAX_CACHED })
  readonly #shapes = new LRUCache<string, Promise<ReadonlyMap<string, ValueShape>>>({ max: MAX_CACHED })
  #runnable: Promise<Runnable> | undefined
  #variant: Promise<Variant> | undefined

  constructor(source: VariantSource, choices: readonly Choice[], provider: Provider, make: EngineMaker) {
    const { proto, preparation, rows = 'start', takenBranches = [] } = source
    this.#takenBranches = takenBranches
    this.#rows = rows
    this.#proto = proto
    this.#preparation = preparation
    this.#provider = provider
    this.#makeEngine = make
    this.choices = choices
    this.graph = buildGraph(proto)
    this.weights = new Weights(this.graph.initializers, preparation)
    this.deciders = conditionsOf(this.graph, this.weights).map(
      condition => new Decider(condition, this.graph, this.weights, provider),
    )
    this.#masks = lengthMasks(this.graph)
  }

  /** The stage that these inputs lead to. */
  async choose(inputs: Inputs): Promise<Stage> {
    if (this.deciders.length === 0) return this
    const key = this.#decidingKey(inputs)
    let taken = key === undefined ? undefined : this.#decided.get(key)
    if (!taken) {
      taken = await this.#decide(inputs)
      if (key !== undefined) this.#decided.set(key, taken)
    }
    return taken.length > 0 ? this.#stageAfter(taken).choose(inputs) : this
  }

  async #decide(inputs: Inputs): Promise<readonly Choice[]> {
    const needsShapes = this.deciders.some(({ condition }) => condition.shapes.length > 0)
    const shapes = needsShapes ? await this.#shapesFor(inputs) : undefined
    const taken: Choice[] = []
    for (const decider of this.deciders) {
      const branch = await decider.decide(inputs, name => shapes?.get(name))
      if (branch) taken.push({ condition: decider.condition, branch })
    }
    return taken
  }

  /** A key that is equal only for equal choices; undefined if they depend on too many elements. */
  #decidingKey(inputs: Inputs): string | undefined {
    const parts = [dimsKey(inputs)]
    for (const { condition } of this.deciders) {
      for (const name of condition.inputs) {
        const data = inputs.get(name)?.data
        if (!data || data.length > MAX_KEY_ELEMENTS) return undefined
        parts.push(elementsKey(data))
      }
    }
    return parts.join(' ')
  }

  /**
   * The stage that represents the model while no inputs are known: of each pair of branches, the larger one. Conditions that depend on dims
   * stay undecided, because contradictory guesses would make a graph that can't run.
   */
  usual(): Stage {
    const nodes = new Map(this.graph.nodes.map(node => [branchId(node.proto), node.proto]))
    const taken: Choice[] = []
    for (const { condition } of this.deciders) {
      if (condition.shapes.length > 0) continue
      const node = nodes.get(condition.id)!
      const isElse = sizeOf(bodyOf(node, 'else')) > sizeOf(bodyOf(node, 'then'))
      taken.push({ condition, branch: isElse ? 'else' : 'then' })
    }
    return taken.length > 0 ? this.#stageAfter(taken).usual() : this
  }

  /** The stage after all conditions that only depend on constants. All inputs lead through it. */
  async afterConstants(): Promise<Stage> {
    const taken: Choice[] = []
    for (const decider of this.deciders) {
      const { condition } = decider
      if (condition.inputs.length > 0 || condition.shapes.length > 0) continue
      const branch = await decider.decide(new Map(), () => undefined)
      if (branch) taken.push({ condition, branch })
    }
    return taken.length > 0 ? this.#stageAfter(taken).afterConstants() : this
  }

  /** Takes this stage's branches in another message of the model, stage by stage, as a branch may contain an `If` with the same result. */
  take(proto: ModelProto, replacements: Map<NodeProto, readonly NodeProto[]>): ModelProto {
    return this.#takenBranches.reduce((taken, branches) => takeBranches(taken, branches, replacements), proto)
  }

  /** The last stages that inputs can lead to. If there are very many, some in which each condition is once true and once false. */
  leaves(): Stage[] {
    if (this.deciders.length === 0) return [this]
    return combinations(this.deciders.map(({ condition }) => condition)).flatMap(taken =>
      this.#stageAfter(taken).leaves(),
    )
  }

  /** The variant of this stage. `ready` creates its sessions. */
  variant(): Promise<Variant> {
    this.#variant ??= this.#make().catch(error => {
      this.#variant = undefined
      throw error
    })
    return this.#variant
  }

  async ready(): Promise<Variant> {
    const variant = await this.variant()
    try {
      await variant.engine.open()
    } catch (error) {
      // The next trace tries again.
      this.#variant = undefined
      throw error
    }
    return variant
  }

  async release(): Promise<void> {
    for (const decider of this.deciders) await decider.release()
    for (const stage of this.#next.values()) await stage.release()
    await this.#paddedLeft?.release()
    const variant = await this.#variant?.catch(() => undefined)
    await variant?.engine.release()
  }

  /** The stage for the padding of these inputs. Operators that take lengths assume that every row begins at 0, so left padding needs another. */
  forPadding(inputs: Inputs): Stage {
    const isLeft = this.#masks.some(name => inputs.has(name) && isPaddedLeft(name, inputs.get(name)!))
    if (!isLeft) return this
    const source = { proto: this.#proto, preparation: this.#preparation, rows: 'end' } as const
    this.#paddedLeft ??= new Stage(source, this.choices, this.#provider, this.#makeEngine)
    return this.#paddedLeft
  }

  #stageAfter(taken: readonly Choice[]): Stage {
    const key = taken.map(({ condition, branch }) => `${condition.id}=${branch}`).join()
    let stage = this.#next.get(key)
    if (!stage) {
      const branches = new Map(taken.map(({ condition, branch }) => [condition.id, branch]))
      const proto = takeBranches(this.#proto, branches)
      const source = { proto, preparation: this.#preparation, takenBranches: [...this.#takenBranches, branches] }
      stage = new Stage(source, [...this.choices, ...taken], this.#provider, this.#makeEngine)
      this.#next.set(key, stage)
    }
    return stage
  }

  async #make(): Promise<Variant> {
    const decided = new Set<string>()
    for (const { condition } of this.choices) {
      for (const name of [condition.value, ...condition.inputs]) decided.add(name)
      for (const node of condition.nodes) for (const name of node.outputs) decided.add(name)
    }
    const branches = this.choices.map(({ condition, branch }) => `${condition.label}: ${branch}, ${causeOf(condition)}`)
    const { graph, weights } = await this.#runnableModel()
    return { engine: await this.#makeEngine(graph, weights), decided, branches }
  }

  /** The model to run. Weights of a taken branch stay in their file, because they belong to the main graph now. */
  #runnableModel(): Promise<Runnable> {
    this.#runnable ??= embedBodyWeights(this.#proto)
      .then(proto => {
        if (proto === this.#proto && !hasExpandableNodes(proto)) return { graph: this.graph, weights: this.weights }
        const graph = buildGraph(proto, { clusters: true, rows: this.#rows })
        return { graph, weights: new Weights(graph.initializers, this.#preparation) }
      })
      .catch(error => {
        throw error instanceof ExpansionRefused ? paddedLeftRefused(this.graph, error) : error
      })
    return this.#runnable
  }

  /** Dtype and dims of every value for these inputs, as far as onnxruntime can infer them. */
  #shapesFor(inputs: Inputs): Promise<ReadonlyMap<string, ValueShape>> {
    const key = dimsKey(inputs)
    let shapes = this.#shapes.get(key)
    if (!shapes) {
      const edges = this.graph.inputs.map(({ name, type, dims }) => ({
        name,
        type: type as DataType | undefined,
        dims: inputs.get(name)?.dims ?? dims,
      }))
      const fed = new Map<string, ValueShape>([...inputs].map(([name, { type, dims }]) => [name, { type, dims }]))
      // onnxruntime infers both branches of an If, also the one that rejects these dims. Then only the inputs' dims are known.
      shapes = this.#runnableModel()
        .then(({ graph, weights }) => scan(graph, weights, this.#provider, edges))
        .catch(() => fed)
      this.#shapes.set(key, shapes)
    }
    return shapes
  }
}

/** The combinations of branches to look at. Conditions that are the same value are true together. */
function combinations(conditions: readonly Condition[]): Choice[][] {
  const values = [...new Set(conditions.map(({ value }) => value))]
  const taken = (isMet: (value: string) => boolean): Choice[] =>
    conditions.map(condition => ({ condition, branch: isMet(condition.value) ? 'then' : 'else' }))
  if (values.length <= MAX_COMBINED)
    return Array.from({ length: 2 ** values.length }, (_, way) =>
      taken(value => ((way >> values.indexOf(value)) & 1) === 0),
    )
  return [taken(() => true), taken(() => false), ...values.map(one => taken(value => value === one))]
}

/** The number of different inputs whose choices and dims are cached. */
const MAX_CACHED = 64
const MAX_KEY_ELEMENTS = 64
/** For more conditions, not all combinations are looked at. */
const MAX_COMBINED = 4

const dimsKey = (inputs: Inputs): string => [...inputs].map(([name, { dims }]) => `${name}:${dims}`).join()

function sizeOf(graph: GraphProto): number {
  let size = graph.node.length
  for (const node of graph.node) {
    for (const { g } of node.attribute) if (g) size += sizeOf(g)
  }
  return size
}

function causeOf({ inputs, shapes }: Condition): string {
  if (inputs.length > 0) return `chosen by ${inputs.join(', ')}`
  return shapes.length > 0 ? 'chosen by the dims' : 'by a constant'
}

/** A model's variants. Their sessions are created when they are first needed. */
export class Variants {
  readonly #first: Stage
  readonly #root: Stage
  readonly #usual: Stage
  readonly #preparation: WeightPreparation
  readonly #provider: Provider
  #owners = 0
  #isFreed = false

  private constructor(first: Stage, root: Stage, preparation: WeightPreparation, provider: Provider) {
    this.#first = first
    this.#root = root
    this.#usual = root.usual()
    this.#preparation = preparation
    this.#provider = provider
  }

  static async of(source: VariantSource, provider: Provider, make: EngineMaker): Promise<Variants> {
    const first = new Stage(source, [], provider, make)
    return new Variants(first, await first.afterConstants(), source.preparation, provider)
  }

  /** Whether inputs choose branches. */
  get areMany(): boolean {
    return this.#root.deciders.length > 0
  }

  /** The variant that represents the model while no inputs are known. Its sessions may not exist yet. */
  usual(): Promise<Variant> {
    return this.#usual.variant()
  }

  async for(inputs: Inputs): Promise<Variant> {
    const stage = await this.#root.choose(inputs)
    return stage.forPadding(inputs).ready()
  }

  /** The variant with all branches. Values inside them can't be read or written, all others can. */
  whole(): Promise<Variant> {
    return this.#root.variant()
  }

  /** Takes the branches that constants decide in a message of the model with functions inlined. */
  takeConstantBranches(proto: ModelProto, replacements: Map<NodeProto, readonly NodeProto[]>): ModelProto {
    return this.#root.take(proto, replacements)
  }

  /** A variant for each choice of branches; none if inputs choose no branches. */
  async each(): Promise<Variant[]> {
    if (!this.areMany) return []
    const found: Variant[] = []
    for (const stage of this.#root.leaves()) {
      // Contradictory choices make a graph that can't run.
      const variant = await stage.variant().catch(() => undefined)
      if (variant) found.push(variant)
    }
    return found
  }

  /** Dtype and dims of every value of an edited message, for inputs of these dims or of any. It uses this model's weights. */
  async infer(
    proto: ModelProto,
    dims: ReadonlyMap<string, readonly number[]> | undefined,
  ): Promise<ReadonlyMap<string, ValueShape>> {
    const graph = buildGraph(await embedBodyWeights(proto))
    const edges = graph.inputs.map(({ name, type, dims: declared }) => ({
      name,
      type: type as DataType | undefined,
      dims: dims?.get(name) ?? declared,
    }))
    return scan(graph, new Weights(graph.initializers, this.#preparation), this.#provider, edges)
  }

  /** Adds a model that owns them and will release them. Returns false if the last one has freed them. */
  own(): boolean {
    if (!this.#isFreed) this.#owners++
    return !this.#isFreed
  }

  /** Frees them if no other model owns them. */
  async release(): Promise<void> {
    this.#owners--
    if (this.#owners > 0) return
    this.#isFreed = true
    await this.#first.release()
  }
}
