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

/** A model with its branches chosen: a merged decoder has one for prompts and one for the tokens after. */
export interface Variant {
  readonly engine: Engine
  /** Values that decided which branches these are: a trace can't change them any more. */
  readonly decided: ReadonlySet<string>
  /** For people: `If_0: then, chosen by use_cache_branch`. */
  readonly branches: readonly string[]
}

export type Inputs = ReadonlyMap<string, TensorData>

/** Makes the engine of a graph, without its sessions. */
export type EngineMaker = (graph: OnnxGraph, weights: Weights) => Promise<Engine>

/** What variants are made of. */
export interface VariantSource {
  /** As it was read. */
  readonly proto: ModelProto
  /** How sessions take their weights. */
  readonly places: WeightPreparation
  /** Where the rows of a batch of unequal lengths stand, for operators that take lengths in the place of a mask. */
  readonly rows?: Alignment
  /** Branches that were taken already, step by step, by `branchId`. */
  readonly taken?: readonly ReadonlyMap<string, Branch>[]
}

/** A graph that onnxruntime can run: what lies inside bodies is in memory, as it maps the main graph's weights only. */
interface Runnable {
  readonly graph: OnnxGraph
  readonly weights: Weights
}

interface Choice {
  readonly condition: Condition
  readonly branch: Branch
}

/**
 * The model as it is after some choices. Conditions that are known before a run lead to a further stage, whose graph has the branch's
 * nodes in the place of the `If`; the last stage is what runs.
 */
class Stage {
  readonly graph: OnnxGraph
  readonly weights: Weights
  readonly choices: readonly Choice[]
  readonly deciders: readonly Decider[]
  readonly #proto: ModelProto
  readonly #places: WeightPreparation
  readonly #provider: Provider
  readonly #makeEngine: EngineMaker
  readonly #rows: Alignment
  readonly #taken: readonly ReadonlyMap<string, Branch>[]
  /** Inputs that tell lengths to operators which take no mask. */
  readonly #masks: readonly string[]
  #paddedLeft: Stage | undefined
  readonly #next = new Map<string, Stage>()
  readonly #decided = new LRUCache<string, readonly Choice[]>({ max: MOST_KEPT })
  readonly #shapes = new LRUCache<string, Promise<ReadonlyMap<string, ValueShape>>>({ max: MOST_KEPT })
  #runnable: Promise<Runnable> | undefined
  #variant: Promise<Variant> | undefined

  constructor(source: VariantSource, choices: readonly Choice[], provider: Provider, make: EngineMaker) {
    const { proto, places, rows = 'start', taken = [] } = source
    this.#taken = taken
    this.#rows = rows
    this.#proto = proto
    this.#places = places
    this.#provider = provider
    this.#makeEngine = make
    this.choices = choices
    this.graph = buildGraph(proto)
    this.weights = new Weights(this.graph.initializers, places)
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
    return taken.length > 0 ? this.#after(taken).choose(inputs) : this
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

  /** Equal keys, equal choices; undefined where they depend on more numbers than are worth comparing. */
  #decidingKey(inputs: Inputs): string | undefined {
    const parts = [dimsKey(inputs)]
    for (const { condition } of this.deciders) {
      for (const name of condition.inputs) {
        const data = inputs.get(name)?.data
        if (!data || data.length > MOST_NUMBERS) return undefined
        parts.push(elementsKey(data))
      }
    }
    return parts.join(' ')
  }

  /**
   * The stage that stands for the model where no inputs are known: of each pair, the branch with more in it. What dims decide stays
   * open: guesses that do not go together would make a graph that can't run.
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
    return taken.length > 0 ? this.#after(taken).usual() : this
  }

  /** The stage behind what constants alone decide: no inputs lead elsewhere. */
  async settled(): Promise<Stage> {
    const taken: Choice[] = []
    for (const decider of this.deciders) {
      const { condition } = decider
      if (condition.inputs.length > 0 || condition.shapes.length > 0) continue
      const branch = await decider.decide(new Map(), () => undefined)
      if (branch) taken.push({ condition, branch })
    }
    return taken.length > 0 ? this.#after(taken).settled() : this
  }

  /** The model of a file like that of the first stage, with this stage's choices taken: in the same order, as a branch may hold an `If` of the same result. */
  take(proto: ModelProto, inPlace: Map<NodeProto, readonly NodeProto[]>): ModelProto {
    return this.#taken.reduce((taken, branches) => takeBranches(taken, branches, inPlace), proto)
  }

  /** The last stages that inputs can lead to: all, or of very many those in which each condition is met once, and once not. */
  leaves(): Stage[] {
    if (this.deciders.length === 0) return [this]
    return waysOf(this.deciders.map(({ condition }) => condition)).flatMap(taken => this.#after(taken).leaves())
  }

  /** What this stage is made of; its sessions are made by `ready`. */
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

  /** The stage for these inputs' padding: operators that take lengths believe that every row begins at 0. */
  forPadding(inputs: Inputs): Stage {
    const isLeft = this.#masks.some(name => inputs.has(name) && isPaddedLeft(name, inputs.get(name)!))
    if (!isLeft) return this
    const source = { proto: this.#proto, places: this.#places, rows: 'end' } as const
    this.#paddedLeft ??= new Stage(source, this.choices, this.#provider, this.#makeEngine)
    return this.#paddedLeft
  }

  #after(taken: readonly Choice[]): Stage {
    const key = taken.map(({ condition, branch }) => `${condition.id}=${branch}`).join()
    let stage = this.#next.get(key)
    if (!stage) {
      const branches = new Map(taken.map(({ condition, branch }) => [condition.id, branch]))
      const proto = takeBranches(this.#proto, branches)
      const source = { proto, places: this.#places, taken: [...this.#taken, branches] }
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
    const { graph, weights } = await this.#toRun()
    return { engine: await this.#makeEngine(graph, weights), decided, branches }
  }

  /** Weights of a branch that was taken stay in their file: they are the main graph's now. */
  #toRun(): Promise<Runnable> {
    this.#runnable ??= embedBodyWeights(this.#proto)
      .then(proto => {
        if (proto === this.#proto && !hasExpandableNodes(proto)) return { graph: this.graph, weights: this.weights }
        const graph = buildGraph(proto, { clusters: true, rows: this.#rows })
        return { graph, weights: new Weights(graph.initializers, this.#places) }
      })
      .catch(error => {
        throw error instanceof ExpansionRefused ? paddedLeftRefused(this.graph, error) : error
      })
    return this.#runnable
  }

  /** Dims of every value for inputs of these dims, as far as onnxruntime can tell. */
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
      // Both branches of an If are inferred, also the one that would reject these dims: then only the inputs' are known.
      shapes = this.#toRun()
        .then(({ graph, weights }) => scan(graph, weights, this.#provider, edges))
        .catch(() => fed)
      this.#shapes.set(key, shapes)
    }
    return shapes
  }
}

/** Which branches go together: conditions that are one value are met together. */
function waysOf(conditions: readonly Condition[]): Choice[][] {
  const values = [...new Set(conditions.map(({ value }) => value))]
  const taken = (isMet: (value: string) => boolean): Choice[] =>
    conditions.map(condition => ({ condition, branch: isMet(condition.value) ? 'then' : 'else' }))
  if (values.length <= MOST_CROSSED)
    return Array.from({ length: 2 ** values.length }, (_, way) =>
      taken(value => ((way >> values.indexOf(value)) & 1) === 0),
    )
  return [taken(() => true), taken(() => false), ...values.map(one => taken(value => value === one))]
}

/** Kinds of inputs whose choices and dims are remembered. */
const MOST_KEPT = 64
const MOST_NUMBERS = 64
/** Of more conditions, not every way in which they can go together is looked at. */
const MOST_CROSSED = 4

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

/** A model's variants, opened when they are first needed. */
export class Variants {
  readonly #first: Stage
  readonly #root: Stage
  readonly #usual: Stage
  readonly #places: WeightPreparation
  readonly #provider: Provider

  private constructor(first: Stage, root: Stage, places: WeightPreparation, provider: Provider) {
    this.#first = first
    this.#root = root
    this.#usual = root.usual()
    this.#places = places
    this.#provider = provider
  }

  static async of(source: VariantSource, provider: Provider, make: EngineMaker): Promise<Variants> {
    const first = new Stage(source, [], provider, make)
    return new Variants(first, await first.settled(), source.places, provider)
  }

  /** Whether inputs decide what the model is made of. */
  get areMany(): boolean {
    return this.#root.deciders.length > 0
  }

  /** What the model looks like where no inputs are known. Its sessions may not be made yet. */
  usual(): Promise<Variant> {
    return this.#usual.variant()
  }

  async for(inputs: Inputs): Promise<Variant> {
    const stage = await this.#root.choose(inputs)
    return stage.forPadding(inputs).ready()
  }

  /** The model with all its branches in it: they can be neither read nor written, and what lies around them can. */
  whole(): Promise<Variant> {
    return this.#root.variant()
  }

  /** The model of a file, its functions' nodes in the place of their calls, with the branches that constants decide. */
  settle(proto: ModelProto, inPlace: Map<NodeProto, readonly NodeProto[]>): ModelProto {
    return this.#root.take(proto, inPlace)
  }

  /** With each choice of branches: none where inputs decide nothing. */
  async each(): Promise<Variant[]> {
    if (!this.areMany) return []
    const found: Variant[] = []
    for (const stage of this.#root.leaves()) {
      // Choices that do not go together make a graph that can't run.
      const variant = await stage.variant().catch(() => undefined)
      if (variant) found.push(variant)
    }
    return found
  }

  /** Dims and dtypes of every value of a model, for inputs of these dims or of any. Its weights lie where this one's do. */
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
    return scan(graph, new Weights(graph.initializers, this.#places), this.#provider, edges)
  }

  async release(): Promise<void> {
    await this.#first.release()
  }
}
