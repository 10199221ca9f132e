import type { Program } from '../engine/blocks/program.ts'
import { Demand } from '../engine/linker/demand.ts'
import { constantId, isModelValue, operandId, type Unit } from '../engine/linker/unit.ts'
import { emitNode, emitTensor } from '../engine/sessions/emit.ts'
import { RECORDED_OPSET } from '../engine/sessions/recorded-opset.ts'
import { UnsavableEditError } from '../errors/edit.ts'
import type { Operation, Recording, Value } from '../graph/expression.ts'
import { lower } from '../graph/lower.ts'
import { type NormalForm, normalise } from '../graph/normalise.ts'
import { firstOpset } from '../graph/opsets.ts'
import { isRefusal } from '../onnx/expansions/expansion.ts'
import { fusedMatMul } from '../onnx/expansions/fused-product.ts'
import type { GraphNode } from '../onnx/graph/node.ts'
import { renameCaptures } from '../onnx/message/captures.ts'
import { withFields } from '../onnx/message/message.ts'
import type { NodeProto, TensorProto } from '../onnx/schema/onnx_pb.ts'
import type { AddedNames } from './added-names.ts'
import type { NodePlace, PlacedRecording } from './place-added-nodes.ts'

/** The nodes of a model's graph with a recording in it. */
export interface EditedGraph {
  /** The model's own nodes that are still needed, by index, with their present inputs. */
  readonly kept: ReadonlyMap<number, NodeProto>
  /** Nodes that the edits add, producers first. */
  readonly added: readonly NodeProto[]
  readonly initializers: readonly TensorProto[]
  /** The name of a recorded value; undefined if nothing needs it. */
  nameOf(value: Value): string | undefined
}

/** The model that a recording is added to. */
export interface ExportTarget {
  readonly program: Program
  /** The nodes of the file, the same as those of the program's graph and in the same order. */
  readonly nodes: readonly GraphNode[]
  readonly names: AddedNames
  /** Names of outputs that the model did not have. */
  readonly further: readonly string[]
}

/**
 * Adds a recording to the whole graph. Its wanted values become the model's outputs, with the outputs' names.
 * @throws CycleError; UnsavableEditError for an operation that the model's opset lacks
 */
export function lowerEdits({ recording, placeOf }: PlacedRecording, target: ExportTarget): EditedGraph {
  return new Lowering(recording, placeOf, target).run()
}

class Lowering {
  readonly #recording: Recording
  readonly #placeOfExpression: PlacedRecording['placeOf']
  readonly #target: ExportTarget
  readonly #demand: Demand
  /** Names of values in the file, by id, if they differ from the id. */
  readonly #names = new Map<string, string>()
  readonly #added: NodeProto[] = []
  readonly #initializers = new Map<string, TensorProto>()

  constructor(recording: Recording, placeOf: PlacedRecording['placeOf'], target: ExportTarget) {
    this.#recording = recording
    this.#placeOfExpression = placeOf
    this.#target = target
    this.#demand = new Demand(target.program, recording, normalise(recording), new Set(), { isPlain: true })
  }

  /** The recording with the operations that compute its gradients. */
  get #form(): NormalForm {
    return this.#demand.form
  }

  run(): EditedGraph {
    const { wanted } = this.#recording
    for (const value of wanted) this.#demand.prepare(value)
    const results = wanted.map(value => this.#demand.idOf(value))
    for (const id of results) this.#demand.require(id)
    const outputs = this.#nameOutputs(results)
    const kept = new Map<number, NodeProto>()
    for (const unit of this.#demand.units) {
      if (unit.kind === 'node') kept.set(unit.node!.index, this.#modelNode(unit))
      else this.#added.push(...(unit.operation ? this.#operation(unit, unit.operation) : [this.#copy(unit)]))
    }
    this.#added.push(...outputs())
    return {
      kept,
      added: this.#added,
      initializers: [...this.#initializers.values()],
      nameOf: value => {
        const id = this.#demand.idOf(value)
        return this.#names.get(id) ?? (isModelValue(id) ? id : undefined)
      },
    }
  }

  /** Gives the results the names of the declared outputs, and renames the unedited values. Returns the nodes to add after all others. */
  #nameOutputs(results: readonly string[]): () => NodeProto[] {
    const { graph } = this.#target.program
    const renamedOutputs: [id: string, output: string][] = []
    const seen = new Set<string>()
    const isFurther = new Set(this.#target.further)
    ;[...graph.outputs.map(({ name }) => name), ...isFurther].forEach((name, i) => {
      // A model may list an output twice.
      if (seen.has(name)) return
      seen.add(name)
      const id = results[i]
      if (id === name) return
      if (!graph.producer.has(name) && !isFurther.has(name)) {
        throw new UnsavableEditError(
          `the output ${name} is an input or a weight that the model gives back as it is`,
          'leave that output out of the edit',
        )
      }
      if (this.#demand.producers.has(name)) this.#names.set(name, this.#target.names.unique(`${name}.unedited`))
      const isOwn = this.#demand.producers.has(id) && !isModelValue(id) && !this.#names.has(id)
      if (isOwn) this.#names.set(id, name)
      else renamedOutputs.push([id, name])
    })
    return () =>
      renamedOutputs.map(([id, name]) => {
        const placed = this.#nodeFields({ edit: 0, module: '' }, 'Identity')
        return withFields(emitNode(identity, placed.name, [this.#nameOf(id)], [name]), placed)
      })
  }

  #modelNode(unit: Unit): NodeProto {
    const { proto } = this.#target.nodes[unit.node!.index]
    const inputs = unit.inputs.map(id => this.#nameOf(id))
    const outputs = unit.outputs.map(id => this.#nameOf(id))
    const renamed = this.#renamedCaptures(unit)
    const isSame = (names: readonly string[], before: readonly string[]): boolean =>
      names.every((name, i) => name === before[i])
    if (renamed.size === 0 && isSame(inputs, proto.input) && isSame(outputs, proto.output)) return proto
    return withFields(renameCaptures(proto, renamed), { input: inputs, output: outputs })
  }

  #copy(unit: Unit): NodeProto {
    const { proto, name } = this.#target.nodes[unit.node!.index]
    const home = this.#placeOf(unit)
    const placed = this.#nodeFields(home, name.slice(name.lastIndexOf('/') + 1))
    const outputs = unit.outputs.map((id, i) => (id === '' ? '' : this.#nameMade(id, `${placed.name}_output_${i}`)))
    const inputs = unit.inputs.map(id => this.#nameOf(id))
    return withFields(renameCaptures(proto, this.#renamedCaptures(unit)), {
      ...placed,
      input: inputs,
      output: outputs,
    })
  }

  #operation(unit: Unit, operation: Operation): readonly NodeProto[] {
    const isPlain = operation.domain === ''
    const lowered = isPlain ? this.#lower(operation, unit) : operation
    const placed = this.#nodeFields(this.#placeOf(unit), operation.opType)
    const outputs = unit.outputs.map((id, i) => this.#nameMade(id, `${placed.name}_output_${i}`))
    // Lowering may turn inputs into attributes. The remaining inputs keep their ids.
    const inputs = lowered.inputs.map(input =>
      input ? this.#nameOf(unit.inputs[operation.inputs.indexOf(input)], this.#placeOf(unit)) : '',
    )
    const node = withFields(emitNode(lowered, placed.name, inputs, outputs), placed)
    return isPlain ? [node] : this.#plainProduct(node, unit)
  }

  /** A FusedMatMul, the one operator of onnxruntime's own that is recorded (by gradients), as nodes that every tool reads. */
  #plainProduct(node: NodeProto, unit: Unit): readonly NodeProto[] {
    const { program, names } = this.#target
    const shapeOf = (name: string) => {
      const index = node.input.indexOf(name)
      return this.#demand.shapeOf(index < 0 ? unit.outputs[node.output.indexOf(name)] : unit.inputs[index])
    }
    const expansion = fusedMatMul({
      proto: node,
      name: node.name,
      opset: program.opset,
      taken: names.taken,
      dimsOf: name => shapeOf(name)?.named,
      rankOf: name => shapeOf(name)?.named?.length,
      typeOf: name => shapeOf(name)?.type,
    })
    if (isRefusal(expansion)) throw new Error(expansion.refused)
    for (const initializer of expansion.initializers) this.#initializers.set(initializer.name, initializer)
    const { metadataProps } = node
    return expansion.nodes.map(each => withFields(each, { metadataProps }))
  }

  #lower(operation: Operation, { expression, isOfGradient }: Unit) {
    const { opset } = this.#target.program
    const { opType, inputs } = operation
    // The operations of a gradient have no line of their own.
    const recorded = expression === undefined ? undefined : this.#form.order[expression]
    const mark = operation.mark ?? (recorded && 'mark' in recorded ? recorded.mark : undefined)
    const what = isOfGradient ? `${opType}, which its gradient needs,` : opType
    const lowered = opset === RECORDED_OPSET ? operation : lower(operation, opset)
    if (lowered) return lowered
    const first = firstOpset(
      opType,
      inputs.flatMap(input => (input ? [input.type] : [])),
    )
    throw new UnsavableEditError(
      first > opset
        ? `${what} came with opset ${first}, and the model is of opset ${opset}`
        : `${what} can’t be written in the model’s opset ${opset} as it is used here`,
      'convert the model to a newer opset (onnx.version_converter in Python), or use other operations',
      mark?.position(),
    )
  }

  #renamedCaptures({ captures }: Unit): Map<string, string> {
    return new Map(captures.map(([name, id]) => [name, this.#nameOf(id)] as const).filter(([from, to]) => from !== to))
  }

  #placeOf({ expression }: Unit): NodePlace {
    const found = expression === undefined ? undefined : this.#placeOfExpression.get(this.#form.order[expression])
    return found ?? { edit: 0, module: '' }
  }

  #nodeFields({ edit, module }: NodePlace, what: string) {
    const { program, names } = this.#target
    const placed = program.tree.placeIn(module, names.ofEdit(edit, what))
    return { ...placed, name: names.unique(placed.name) }
  }

  /** Names a value that an added node makes. */
  #nameMade(id: string, name: string): string {
    const known = this.#names.get(id)
    if (known !== undefined) return known
    const unique = this.#target.names.unique(name)
    this.#names.set(id, unique)
    return unique
  }

  /** The name of an id in the file. A tensor of the recording becomes an initializer. */
  #nameOf(id: string, home: NodePlace = { edit: 0, module: '' }): string {
    const known = this.#names.get(id)
    if (known !== undefined) return known
    if (id === '' || isModelValue(id)) return id
    const data = this.#tensorOf(id)
    if (!data) throw new Error(`${id} is made by no node.`)
    const name = this.#target.names.unique(this.#target.names.ofEdit(home.edit, 'value'))
    this.#names.set(id, name)
    this.#initializers.set(name, emitTensor(name, data))
    return name
  }

  #tensorOf(id: string) {
    const operand = operandId(0).slice(0, -1)
    const constant = constantId(0).slice(0, -1)
    if (id.startsWith(operand)) return this.#form.operands[Number(id.slice(operand.length))]
    if (!id.startsWith(constant)) return undefined
    const expression = this.#form.order[Number(id.slice(constant.length))]
    return expression.kind === 'constant' ? expression.data : undefined
  }
}

const identity = { opType: 'Identity', domain: '', attributes: {} }
