import type { NamedDims } from '../../gradients/forward-node.ts'
import { type DimsReader, type NamedInts, resultDims, resultInts } from '../../gradients/result-dims.ts'
import type { Dims, Tap } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import { embeddedBytes, embeddedIntegers } from '../../onnx/message/tensor-value.ts'
import { type TensorProto, TensorProto_DataLocation } from '../../onnx/schema/onnx_pb.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'
import type { Program } from '../blocks/program.ts'
import { RECORDED_OPSET } from '../sessions/recorded-opset.ts'
import { constantId, isConstant, isModelValue, type Unit } from './unit.ts'
import { attributesOf } from './unit-attributes.ts'

/** What is known of the values of a model; of none, where a block computes without one. */
export type KnownModel = Pick<Program, 'opset' | 'typeOf' | 'openShapes'> & {
  readonly weights: Pick<Program['weights'], 'get'>
}

export const NO_MODEL: KnownModel = {
  opset: RECORDED_OPSET,
  typeOf: () => undefined,
  openShapes: new Map(),
  weights: { get: () => undefined },
}

export interface LinkedShape {
  readonly type: DataType
  readonly dims: Dims | undefined
  /** The dims with names for unknown ones. */
  readonly named: NamedDims | undefined
}

/** A constant of more elements is not looked into. */
const MOST_ELEMENTS = 64

/**
 * Dtypes and dims of all values of a linked graph, as far as they hold for all lengths of the inputs: one plan serves them all. Of values
 * that the block computes, only the rank is known.
 */
export class LinkedShapes {
  readonly #program: KnownModel
  readonly #form: NormalForm
  readonly #producers: ReadonlyMap<string, Unit>
  readonly #types: ReadonlyMap<string, DataType>
  readonly #added = new Map<string, { readonly type: DataType; readonly dims: Dims | undefined }>()
  readonly #found = new Map<string, LinkedShape>()
  readonly #ints = new Map<string, NamedInts | undefined>()
  /** Taps by the id of the value at them. */
  readonly #places = new Map<string, Tap>()

  constructor(
    program: KnownModel,
    form: NormalForm,
    producers: ReadonlyMap<string, Unit>,
    types: ReadonlyMap<string, DataType> = new Map(),
  ) {
    this.#program = program
    this.#form = form
    this.#producers = producers
    this.#types = types
  }

  add(id: string, type: DataType, dims: Dims | undefined): void {
    if (!this.#added.has(id)) this.#added.set(id, { type, dims })
  }

  /** A value that the block computes: its dims are those of these inputs alone. */
  addRecorded(id: string, type: DataType, dims: Dims | undefined): void {
    this.add(
      id,
      type,
      dims?.map(() => undefined),
    )
  }

  addPlace(id: string, tap: Tap): void {
    this.#places.set(id, tap)
  }

  get(id: string): LinkedShape {
    const known = this.#found.get(id)
    if (known) return known
    const { type, dims: own } = this.#own(id)
    const unit = this.#producers.get(id)
    const isOpen = own === undefined || own.includes(undefined)
    const derived = unit && isOpen ? resultDims(this.#reader(unit), unit.outputs.indexOf(id)) : undefined
    const dims = own ?? derived
    const named = dims?.map(
      (dim, axis) => dim ?? (derived?.length === dims.length ? derived[axis] : undefined) ?? `${axis} of ${id}`,
    )
    const found = { type, named, dims: named?.map(dim => (typeof dim === 'number' ? dim : undefined)) }
    this.#found.set(id, found)
    return found
  }

  /** What is known of a value without looking at what makes it. */
  #own(id: string): { readonly type: DataType; readonly dims: NamedDims | undefined } {
    const added = this.#added.get(id)
    if (added) return added
    const tap = this.#places.get(id)
    if (tap) return this.#ofModel(tap.tensor)
    if (isModelValue(id)) return this.#ofModel(id)
    if (isConstant(id)) return this.#constant(id)
    // A copy of a node may read a value of another rank than the node: its dims follow from what it reads.
    const unit = this.#producers.get(id)
    const name = unit?.node?.outputs[unit.outputs.indexOf(id)]
    return { type: this.#types.get(id) ?? (name ? this.#ofModel(name).type : 'float32'), dims: undefined }
  }

  #reader(unit: Unit): DimsReader {
    const { operation, node, inputs } = unit
    return {
      opType: (operation ?? node!).opType,
      attributes: attributesOf(unit),
      inputs: inputs.map(input => (input === '' ? undefined : this.get(input).named)),
      intsOf: input => (inputs[input] ? this.#intsOf(inputs[input]) : undefined),
    }
  }

  /** Elements of a value that holds a shape or a part of one. */
  #intsOf(id: string): NamedInts | undefined {
    if (this.#ints.has(id)) return this.#ints.get(id)
    const constant = this.constantOf(id).ints
    const unit = constant ? undefined : this.#producers.get(id)
    const found = constant ?? (unit && resultInts(this.#reader(unit)))
    this.#ints.set(id, found)
    return found
  }

  /** The elements of a small constant. */
  constantOf(id: string): { readonly number?: number; readonly ints?: readonly number[] } {
    if (isConstant(id)) {
      const { type, data } = this.#constant(id)
      if (!ArrayBuffer.isView(data) || data.length > MOST_ELEMENTS || type === 'float16') return {}
      const numbers = Array.from(data as ArrayLike<number | bigint>, Number)
      return constantOf(numbers, /^u?int/.test(type))
    }
    const tensor = isModelValue(id) ? this.#program.weights.get(id) : undefined
    return tensor ? constantOfTensor(tensor) : {}
  }

  #constant(id: string) {
    const expression = this.#form.order[Number(id.slice(constantId(0).length - 1))]
    if (expression.kind !== 'constant') throw new Error(`${id} is no constant.`)
    return expression.data
  }

  #ofModel(name: string): { readonly type: DataType; readonly dims: NamedDims | undefined } {
    const weight = this.#program.weights.get(name)
    const type = this.#program.typeOf(name) ?? 'float32'
    if (weight) return { type, dims: weight.dims.map(Number) }
    const shape = this.#program.openShapes.get(name)
    return { type, dims: shape?.named ?? shape?.dims }
  }
}

function constantOfTensor(tensor: TensorProto): { number?: number; ints?: readonly number[] } {
  const size = tensor.dims.reduce((all, dim) => all * Number(dim), 1)
  if (size > MOST_ELEMENTS || tensor.dataLocation !== TensorProto_DataLocation.DEFAULT) return {}
  const ints = embeddedIntegers(tensor)
  if (ints) return constantOf(ints, true)
  const FLOAT = 1
  return tensor.dataType === FLOAT ? constantOf([...new Float32Array(embeddedBytes(tensor).buffer)], false) : {}
}

function constantOf(numbers: readonly number[], areInts: boolean): { number?: number; ints?: readonly number[] } {
  return { ...(numbers.length === 1 ? { number: numbers[0] } : {}), ...(areInts ? { ints: numbers } : {}) }
}
