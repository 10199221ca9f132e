import type { ValueShape } from '../engine/scanning/value-shape.ts'
import { UnsavableEditError } from '../errors/edit.ts'
import type { Recording, Value } from '../graph/expression.ts'
import type { GraphNode } from '../onnx/graph/node.ts'
import { inlineFunctions } from '../onnx/rewriting/inline-functions.ts'
import type { ModelProto, NodeProto } from '../onnx/schema/onnx_pb.ts'
import type { Traceable, TraceableVariant } from '../tracing/traceable.ts'
import { AddedNames } from './added-names.ts'
import { assertOutsideBranches, insideBranch } from './branches.ts'
import { declareAddedValues } from './declare-added-values.ts'
import { expandedGraph } from './expanded-graph.ts'
import { withFurtherOutputs } from './further-outputs.ts'
import { type EditedGraph, lowerEdits } from './lower.ts'
import { editedMessage, type MessageForms } from './message.ts'
import { placeAddedNodes } from './place-added-nodes.ts'
import { type RecordedEdits, recordEdits } from './record.ts'
import { type ShapeNodes, shapeFromInputs } from './shape-sources.ts'
import { commonShapes, haveSameDims, type Shapes, type TrialDims, type TrialShapes, tryDims } from './trial-dims.ts'

/** A model with standing edits, and what is needed to write it. */
export interface EditedParts {
  /** The model with its standing edits. */
  readonly model: Traceable
  /** The message as it was read. */
  readonly file: ModelProto
  /** The variant with all branches. */
  readonly variant: TraceableVariant
  /** Places whose values become further outputs, by the name of the output. */
  readonly outputs: ReadonlyMap<string, string>
  /** The variants with chosen branches, one for each choice that inputs can make. */
  readonly chosen: readonly TraceableVariant[]
  /** Replaces the `If` nodes that constants decide by their branches, and adds to `replacements` the nodes that replace each of them. */
  takeConstantBranches(proto: ModelProto, replacements: Map<NodeProto, readonly NodeProto[]>): ModelProto
  /** Dtype and dims of every value of a model, for inputs of these dims or of any. @throws onnxruntime's error if it refuses the model */
  infer(model: ModelProto, inputs: TrialDims | undefined): Promise<ReadonlyMap<string, ValueShape>>
}

/**
 * The model's message with its standing edits as nodes of its graph. For every input, its results are those of the edited model.
 * @throws UnsavableEditError for an edit that can't be written as nodes, CycleError, and errors of the edits themselves
 */
export async function editModel(given: EditedParts): Promise<ModelProto> {
  const parts = { ...given, file: withFurtherOutputs(given.file, given.variant.engine.program, given.outputs) }
  const { engine } = parts.variant
  const { graph, openShapes } = engine.program
  const trials = await tryDims(graph.inputs, dims => engine.shapes(withTypes(graph.inputs, dims)))
  const recorded = await recordBesideBranches(parts, commonShapes(trials, openShapes))
  const edited = new EditedModel(parts, trials, recorded)
  return edited.run()
}

/** Records the edits on the variant with all branches. @throws UnsavableEditError for an edit that does something else in a chosen branch */
async function recordBesideBranches(
  { model, variant, chosen, outputs }: EditedParts,
  shapes: Shapes,
): Promise<RecordedEdits> {
  // Recording on chosen branches comes first, so that errors of an edit itself are those of a trace.
  const each: [TraceableVariant, RecordedEdits][] = []
  const failed: unknown[] = []
  for (const own of chosen) {
    try {
      each.push([own, await recordEdits(model, own, own.engine.program.openShapes, outputs)])
    } catch (error) {
      failed.push(error)
    }
  }
  if (failed.length > 0) throw each.length > 0 ? insideBranch(undefined, undefined, failed[0]) : failed[0]
  const recorded = await recordEdits(model, variant, shapes, outputs).catch(error => {
    throw chosen.length > 0 ? insideBranch(undefined, undefined, error) : error
  })
  for (const [own, { recording }] of each)
    assertOutsideBranches(variant.engine.program, recorded.recording, own.engine.program, recording)
  return recorded
}

function withTypes(inputs: readonly { name: string }[], dims: TrialDims) {
  return new Map(inputs.map(({ name }) => [name, { type: 'float32' as const, dims: dims.get(name)! }]))
}

class EditedModel {
  readonly #parts: EditedParts
  readonly #trials: TrialShapes
  readonly #recorded: RecordedEdits
  readonly #forms: MessageForms
  readonly #nodes: readonly GraphNode[]

  constructor(parts: EditedParts, trials: TrialShapes, recorded: RecordedEdits) {
    this.#parts = parts
    this.#trials = trials
    this.#recorded = recorded
    const { file } = parts
    const replacements = new Map<NodeProto, readonly NodeProto[]>()
    const { inlined, nodes } = expandedGraph(
      parts.takeConstantBranches(inlineFunctions(file, replacements), replacements),
      replacements,
    )
    this.#forms = { file, inlined, replacements }
    this.#nodes = nodes
  }

  async run(): Promise<ModelProto> {
    const { recording } = this.#recorded
    // First all writes are assumed to fit. Those that may not fit for some inputs are then fitted at run time.
    let lowered = this.#lower(recording)
    let shapes = await this.#infer(lowered.message)
    const misfits = this.#misfits(lowered.graph, shapes)
    if (misfits.size > 0) {
      lowered = this.#lower(replaced(recording, misfits))
      shapes = await this.#infer(lowered.message)
    }
    return declareAddedValues(this.#withoutShapeReads(lowered, shapes), lowered.graph.added, shapes)
  }

  #lower(recording: Recording): Lowered {
    const { program } = this.#parts.variant.engine
    const [forms, nodes] = [this.#forms, this.#nodes]
    const names = new AddedNames(forms.inlined)
    const placed = placeAddedNodes(program, recording, this.#recorded.editOf)
    const graph = lowerEdits(placed, { program, nodes, names, further: [...this.#parts.outputs.keys()] })
    return {
      graph,
      names,
      message: editedMessage(forms, nodes, graph),
      rebuild: each => editedMessage(forms, nodes, each),
    }
  }

  async #infer(message: ModelProto): Promise<Shapes[]> {
    const shapes: Shapes[] = []
    const { dims } = this.#trials
    try {
      for (const each of dims) shapes.push(await this.#parts.infer(message, each))
      if (dims.length === 0) await this.#parts.infer(message, undefined)
    } catch (error) {
      const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0]
      throw new UnsavableEditError(
        `onnxruntime refuses the edited model: ${reason}`,
        'look whether a trace of the edited model runs',
        undefined,
        error,
      )
    }
    return shapes
  }

  /** Written values whose dims may not match their place for every input, each with the value that is fitted at run time. */
  #misfits(graph: EditedGraph, shapes: readonly Shapes[]): Map<Value, Value> {
    const found = new Map<Value, Value>()
    for (const [written, { tensor, fitted }] of this.#recorded.uncertain) {
      const name = graph.nameOf(written)
      if (name === undefined || haveSameDims(this.#trials, tensor, shapes, name)) continue
      if (fitted) {
        found.set(written, fitted)
        continue
      }
      throw new UnsavableEditError(
        `a value is written to ${tensor} whose dims are not known before the model runs`,
        'give it the dims of its place: reshape it, or expand it',
        'mark' in written.expression ? written.expression.mark?.position() : undefined,
      )
    }
    return found
  }

  /** Lets Shape nodes read the model's inputs if possible. Otherwise a value that an edit replaces would be computed for its dims only. */
  #withoutShapeReads({ graph, names, message, rebuild }: Lowered, shapes: readonly Shapes[]): ModelProto {
    const found = new Map<NodeProto, ShapeNodes>()
    for (const node of graph.added) {
      if (node.opType !== 'Shape') continue
      const nodes = shapeFromInputs(node, this.#trials.dims, shapes, names)
      if (nodes) found.set(node, nodes)
    }
    if (found.size === 0) return message
    const sizeOf = (model: ModelProto): Set<string> => new Set(model.graph?.node.flatMap(node => node.output))
    const trial = sizeOf(rebuild(withShapes(graph, found)))
    // If the value is computed anyway, its own Shape node is simpler.
    for (const node of found.keys()) if (trial.has(node.input[0])) found.delete(node)
    return found.size === 0 ? message : rebuild(withShapes(graph, found))
  }
}

interface Lowered {
  readonly graph: EditedGraph
  readonly names: AddedNames
  readonly message: ModelProto
  rebuild(graph: EditedGraph): ModelProto
}

function withShapes(graph: EditedGraph, found: ReadonlyMap<NodeProto, ShapeNodes>): EditedGraph {
  return {
    ...graph,
    added: graph.added.flatMap(node => found.get(node)?.nodes ?? [node]),
    initializers: [...graph.initializers, ...[...found.values()].flatMap(({ initializers }) => initializers)],
  }
}

function replaced({ owner, writes, wanted }: Recording, values: ReadonlyMap<Value, Value>): Recording {
  const changed = [...writes].map(
    ([tap, list]) => [tap, list.map(({ value, mark }) => ({ value: values.get(value) ?? value, mark }))] as const,
  )
  return { owner, writes: new Map(changed), wanted }
}
