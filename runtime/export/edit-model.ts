import type { ValueShape } from '../engine/scanning/value-shape.ts'
import { UnsavableEditError } from '../errors/edit.ts'
import type { Recording, Value } from '../graph/expression.ts'
import type { GraphNode } from '../onnx/graph/node.ts'
import { inlineFunctions } from '../onnx/rewriting/inline-functions.ts'
import type { ModelProto, NodeProto } from '../onnx/schema/onnx_pb.ts'
import type { Traceable, TraceableVariant } from '../tracing/traceable.ts'
import { AddedNames } from './added-names.ts'
import { assertAroundBranches, insideBranch } from './branches.ts'
import { declared } from './declared.ts'
import { type EditedGraph, lowerEdits } from './lower.ts'
import { editedMessage, type Forms } from './message.ts'
import { findHomes } from './modules-of-added-nodes.ts'
import { areAlike, inCommon, type ProbeDims, type Probes, probe, type Shapes } from './open-dims.ts'
import { type RecordedEdits, recordEdits } from './record.ts'
import { type ShapeNodes, shapeFromInputs } from './shape-sources.ts'
import { writtenOut } from './written-out.ts'

/** What an edited model is made of. */
export interface EditedParts {
  /** The model with its standing edits. */
  readonly model: Traceable
  /** As it was read. */
  readonly file: ModelProto
  /** What runs it, with all its branches in it. */
  readonly variant: TraceableVariant
  /** With its branches chosen, in the ways that inputs can. */
  readonly chosen: readonly TraceableVariant[]
  /** Takes the branches that constants decide; `inPlace` learns what stands for each. */
  settle(proto: ModelProto, inPlace: Map<NodeProto, readonly NodeProto[]>): ModelProto
  /** Dims of every value of a model for inputs of these dims, or of any. @throws what onnxruntime throws where it refuses the model */
  infer(model: ModelProto, inputs: ProbeDims | undefined): Promise<ReadonlyMap<string, ValueShape>>
}

/**
 * The model's message with its standing edits as nodes of its own graph: its results are those of the edited model, for every input.
 * @throws UnsavableEditError for an edit that no graph can hold, CycleError, and what the edits themselves throw
 */
export async function editModel(parts: EditedParts): Promise<ModelProto> {
  const { engine } = parts.variant
  const { graph, openShapes } = engine.program
  const probes = await probe(graph.inputs, dims => engine.shapes(held(graph.inputs, dims)))
  const recorded = await recordAround(parts, inCommon(probes, openShapes))
  const made = new Making(parts, probes, recorded)
  return made.run()
}

/** Records edits on the model with all its branches in it. @throws UnsavableEditError for what does something else in one of them */
async function recordAround({ model, variant, chosen }: EditedParts, shapes: Shapes): Promise<RecordedEdits> {
  // First, so that what is wrong with the edit itself is told as in a trace.
  const each: [TraceableVariant, RecordedEdits][] = []
  const failed: unknown[] = []
  for (const own of chosen) {
    try {
      each.push([own, await recordEdits(model, own, own.engine.program.openShapes)])
    } catch (error) {
      failed.push(error)
    }
  }
  if (failed.length > 0) throw each.length > 0 ? insideBranch(undefined, undefined, failed[0]) : failed[0]
  const recorded = await recordEdits(model, variant, shapes).catch(error => {
    throw chosen.length > 0 ? insideBranch(undefined, undefined, error) : error
  })
  for (const [own, { recording }] of each)
    assertAroundBranches(variant.engine.program, recorded.recording, own.engine.program, recording)
  return recorded
}

function held(inputs: readonly { name: string }[], dims: ProbeDims) {
  return new Map(inputs.map(({ name }) => [name, { type: 'float32' as const, dims: dims.get(name)! }]))
}

class Making {
  readonly #parts: EditedParts
  readonly #probes: Probes
  readonly #recorded: RecordedEdits
  readonly #forms: Forms
  readonly #nodes: readonly GraphNode[]

  constructor(parts: EditedParts, probes: Probes, recorded: RecordedEdits) {
    this.#parts = parts
    this.#probes = probes
    this.#recorded = recorded
    const { file } = parts
    const calls = new Map<NodeProto, readonly NodeProto[]>()
    const { inlined, nodes } = writtenOut(parts.settle(inlineFunctions(file, calls), calls), calls)
    this.#forms = { file, inlined, calls }
    this.#nodes = nodes
  }

  async run(): Promise<ModelProto> {
    const { recording } = this.#recorded
    // Writes are first taken to fit; what is not sure to is then made to.
    let made = this.#lower(recording)
    let shapes = await this.#infer(made.message)
    const misfits = this.#misfits(made.graph, shapes)
    if (misfits.size > 0) {
      made = this.#lower(replaced(recording, misfits))
      shapes = await this.#infer(made.message)
    }
    return declared(this.#withoutShapeReads(made, shapes), made.graph.added, shapes)
  }

  #lower(recording: Recording): Made {
    const { program } = this.#parts.variant.engine
    const [forms, nodes] = [this.#forms, this.#nodes]
    const names = new AddedNames(forms.inlined)
    const housed = findHomes(program, recording, this.#recorded.editOf)
    const graph = lowerEdits(housed, { program, nodes, names })
    return {
      graph,
      names,
      message: editedMessage(forms, nodes, graph),
      rebuild: each => editedMessage(forms, nodes, each),
    }
  }

  async #infer(message: ModelProto): Promise<Shapes[]> {
    const shapes: Shapes[] = []
    const { dims } = this.#probes
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

  /** Written values that need not have the dims of their place, with what stands for them. */
  #misfits(graph: EditedGraph, shapes: readonly Shapes[]): Map<Value, Value> {
    const found = new Map<Value, Value>()
    for (const [written, { tensor, fitted }] of this.#recorded.uncertain) {
      const name = graph.nameOf(written)
      if (name === undefined || areAlike(this.#probes, tensor, shapes, name)) continue
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

  /** Shape nodes read the model's inputs where they can: what an edit replaces is computed for its dims alone else. */
  #withoutShapeReads({ graph, names, message, rebuild }: Made, shapes: readonly Shapes[]): ModelProto {
    const found = new Map<NodeProto, ShapeNodes>()
    for (const node of graph.added) {
      if (node.opType !== 'Shape') continue
      const nodes = shapeFromInputs(node, this.#probes.dims, shapes, names)
      if (nodes) found.set(node, nodes)
    }
    if (found.size === 0) return message
    const sizeOf = (model: ModelProto): Set<string> => new Set(model.graph?.node.flatMap(node => node.output))
    const trial = sizeOf(rebuild(withShapes(graph, found)))
    // Where the value is computed anyway, its own shape is the plainest.
    for (const node of found.keys()) if (trial.has(node.input[0])) found.delete(node)
    return found.size === 0 ? message : rebuild(withShapes(graph, found))
  }
}

interface Made {
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
