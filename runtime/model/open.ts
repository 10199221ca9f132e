import { cutBlocks } from '../engine/blocks/blocks.ts'
import { groupBlocks } from '../engine/blocks/groups.ts'
import { Program } from '../engine/blocks/program.ts'
import { Engine } from '../engine/engine.ts'
import { scan } from '../engine/scanning/scan.ts'
import type { ValueShape } from '../engine/scanning/value-shape.ts'
import { overriddenFunctions } from '../engine/sessions/own-operators.ts'
import type { Provider } from '../engine/sessions/provider.ts'
import type { WeightPreparation, Weights } from '../engine/sessions/weights.ts'
import { OnnsightError } from '../errors/error.ts'
import { UnsupportedModelError } from '../errors/input.ts'
import type { Language } from '../language-inputs/language.ts'
import { addAliases } from '../names/aliases.ts'
import { findLayers } from '../names/layers.ts'
import { Taps } from '../names/taps.ts'
import { ModuleTree } from '../names/tree.ts'
import type { OnnxGraph } from '../onnx/graph/graph.ts'
import { inlineFunctions, markOverridden } from '../onnx/rewriting/inline-functions.ts'
import type { ModelProto } from '../onnx/schema/onnx_pb.ts'
import type { DataType } from '../tensor/dtypes/dtype.ts'
import type { LoadOptions } from './loaded/load-options.ts'
import { LoadedModel, type Origin } from './loaded/loaded-model.ts'
import { type EngineMaker, Variants } from './loaded/variants.ts'
import { type Model, ModelHandle } from './model.ts'

const MIB = 1024 * 1024
let programs = 0

/** What the graph of a model is made of on any platform. */
export interface GraphParts {
  /** The message as it was read. Its large tensors are external. */
  readonly message: ModelProto
  /** The model's name in error messages: its path or address. */
  readonly name: string
  readonly provider: Provider
  readonly preparation: WeightPreparation
  /** The least bytes of weights in a session for unedited blocks. */
  readonly groupBytes: number
}

/** What is needed to open a model on any platform. */
export interface ModelParts extends Omit<GraphParts, 'name'> {
  readonly origin: Origin
  readonly extension?: ModelExtension | undefined
  /** Called before the first sessions are created. */
  readonly beforeSessions?: (program: Program) => Promise<void>
}

/** The parts of a language model beside its graph. */
export interface ModelExtension {
  readonly language: Language
  /** The handle of the model, with further members. */
  newHandle(loaded: LoadedModel): ModelHandle
}

/**
 * Cuts a model into blocks and creates their sessions.
 * @throws UnsupportedModelError for operators that onnxruntime lacks
 */
export async function openModel(opening: ModelParts, options: LoadOptions): Promise<Model> {
  const variants = await makeVariants({ ...opening, name: opening.origin.path }, options)
  variants.own()
  return modelOf(variants, opening, options)
}

/** A model of variants that it owns. */
export async function modelOf(
  variants: Variants,
  { origin, extension, beforeSessions }: Pick<ModelParts, 'origin' | 'extension' | 'beforeSessions'>,
  { signal, onProgress }: LoadOptions,
): Promise<Model> {
  const usual = await variants.usual()
  signal?.throwIfAborted()
  await beforeSessions?.(usual.engine.program)
  // If inputs choose branches, sessions are created when inputs are known.
  if (!variants.areMany) {
    await usual.engine.open((done, total) => onProgress?.(done + 1, total + 1, `session ${done} of ${total}`), signal)
  }
  const loaded = new LoadedModel(origin, variants, usual, extension?.language)
  return (extension?.newHandle(loaded) ?? new ModelHandle(loaded)).proxy
}

/** The graph of a model, read and cut into blocks. @throws UnsupportedModelError for operators that onnxruntime lacks */
export async function makeVariants(parts: GraphParts, options: LoadOptions): Promise<Variants> {
  const { message, provider, preparation } = parts
  for (const fn of await overriddenFunctions(message, provider)) markOverridden(fn)
  return Variants.of({ proto: inlineFunctions(message), preparation }, provider, engineMaker(parts, options))
}

function engineMaker({ name: path, provider, groupBytes }: GraphParts, options: LoadOptions): EngineMaker {
  const { sessionBytes = 256 * MIB, reuseBytes = 64 * MIB } = options
  let isLaterVariant = false
  return async (graph, weights) => {
    const shapes = await scanOpen(path, graph, weights, provider)
    const tree = new ModuleTree(graph)
    if (options.rename) addAliases(tree, options.rename, isLaterVariant)
    isLaterVariant = true
    const taps = new Taps(tree, name => shapes.get(name)?.type)
    const layers = findLayers(tree).map(layer => ({ label: layer.path, nodes: layer.nodes }))
    const blocks = cutBlocks(graph, layers, options.blocks, name => isTensor(graph, shapes, name))
    const groups = groupBlocks(graph, blocks, name => weights.externalBytes(name), groupBytes)
    const program = new Program({ id: `model ${++programs}`, graph, tree, taps, weights, blocks, groups, shapes })
    return new Engine(program, { provider, sessionBytes, reuseBytes, name: path })
  }
}

/** Whether a value is known to be a tensor: the scan finds dims of tensors only. */
function isTensor(graph: OnnxGraph, shapes: ReadonlyMap<string, ValueShape>, name: string): boolean {
  return shapes.has(name) || !graph.producer.has(name)
}

/** Dtypes and fixed dims of all values. Fails first if onnxruntime can't load the model. @throws UnsupportedModelError */
async function scanOpen(
  path: string,
  graph: OnnxGraph,
  weights: Weights,
  provider: Provider,
): Promise<Map<string, ValueShape>> {
  const inputs = graph.inputs.map(({ name, type, dims }) => ({ name, type: type as DataType | undefined, dims }))
  try {
    return await scan(graph, weights, provider, inputs)
  } catch (error) {
    if (error instanceof OnnsightError) throw error
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new UnsupportedModelError(path, reason + unknownNode(reason, graph), error)
  }
}

/** Names the node, which onnxruntime does not for an operator of an unknown domain. */
function unknownNode(reason: string, graph: OnnxGraph): string {
  const found = /(\S+):(\w+)\(-?\d+\) is not a registered/.exec(reason)
  const node = found && graph.nodes.find(({ domain, opType }) => domain === found[1] && opType === found[2])
  return node ? `: the node ${node.name}` : ''
}
