import type { NamedDims } from '../../gradients/forward-node.ts'
import type { Dims, Tap } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import { Attributes } from '../../onnx/expansions/attributes.ts'
import { embeddedBytes, embeddedIntegers } from '../../onnx/message/tensor-value.ts'
import { type TensorProto, TensorProto_DataLocation } from '../../onnx/schema/onnx_pb.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'
import type { Program } from '../blocks/program.ts'
import { constantId, isConstant, isModelValue, type Unit } from './unit.ts'

export interface LinkedShape {
  readonly type: DataType
  readonly dims: Dims | undefined
  /** The dims, in which an unknown dim may have a name. */
  readonly named: NamedDims | undefined
}

/** The elements of a constant are read only if it has no more than this. */
const MOST_ELEMENTS = 64

/**
 * Dtypes and dims of all values of a linked graph. Dims are known only if they are the same for inputs of every length, because one plan is
 * used for all of them. So of values that the block computes, only the rank is known.
 */
export class LinkedShapes {
  readonly #program: Program
  readonly #form: NormalForm
  readonly #producers: ReadonlyMap<string, Unit>
  readonly #added = new Map<string, LinkedShape>()
  /** The taps of places by the ids of their values. */
  readonly #places = new Map<string, Tap>()

  constructor(program: Program, form: NormalForm, producers: ReadonlyMap<string, Unit>) {
    this.#program = program
    this.#form = form
    this.#producers = producers
  }

  add(id: string, type: DataType, dims: Dims | undefined): void {
    if (!this.#added.has(id)) this.#added.set(id, { type, dims, named: dims })
  }

  /** Adds a value that the block computes. Only its rank is kept, because its dims may differ for other inputs. */
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
    const added = this.#added.get(id)
    if (added) return added
    const tap = this.#places.get(id)
    if (tap) return this.#ofModel(tap.tensor)
    if (isModelValue(id)) return this.#ofModel(id)
    if (isConstant(id)) {
      const { type, dims } = this.#constant(id)
      return { type, dims, named: dims }
    }
    const copied = this.#copied(id)
    this.#added.set(id, copied)
    return copied
  }

  /** The element or elements of a small constant, as a rule sees them; an empty object for any other value. */
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

  #ofModel(name: string): LinkedShape {
    const weight = this.#program.weights.get(name)
    const type = this.#program.typeOf(name) ?? 'float32'
    if (weight) {
      const dims = weight.dims.map(Number)
      return { type, dims, named: dims }
    }
    const shape = this.#program.openShapes.get(name)
    return { type, dims: shape?.dims, named: shape?.named ?? shape?.dims }
  }

  /** The dtype and rank of a result of a node's copy. The copy may read values of other ranks than the node, and its dims are unknown. */
  #copied(id: string): LinkedShape {
    const unit = this.#producers.get(id)
    if (!unit?.node) return { type: 'float32', dims: undefined, named: undefined }
    const { node } = unit
    const name = node.outputs[unit.outputs.indexOf(id)]
    const own = this.#ofModel(name)
    const rank = rankOf(unit, input => this.get(input).dims?.length) ?? own.dims?.length
    const isLike = unit.inputs.every((input, i) => {
      const original = node.inputs[i]
      return input === '' || this.get(input).dims?.length === this.#ofModel(original).dims?.length
    })
    const length = isLike ? own.dims?.length : rank
    const dims = length === undefined ? undefined : new Array<undefined>(length).fill(undefined)
    return { type: own.type, dims, named: dims }
  }
}

const KEEPS_RANK =
  /^(Softmax|LogSoftmax|LayerNormalization|Cast|Identity|Relu|Gelu|Tanh|Sigmoid|Erf|Sqrt|Pow|Reciprocal|Transpose|Slice|Concat)$/
const BROADCASTS = /^(Add|Sub|Mul|Div|Pow|Where|Min|Max|MatMul|And|Or|Equal|Less|Greater)$/

/** The rank of a node's result if it follows from the ranks of the node's inputs; otherwise undefined. */
function rankOf({ node, inputs }: Unit, rankOfInput: (id: string) => number | undefined): number | undefined {
  const { opType, proto } = node!
  const ranks = inputs.map(id => (id === '' ? undefined : rankOfInput(id)))
  if (KEEPS_RANK.test(opType)) return ranks[0]
  if (opType.startsWith('Reduce') && new Attributes(proto).int('keepdims', 1) === 1) return ranks[0]
  if (opType === 'Gemm') return 2
  if (BROADCASTS.test(opType) && ranks.every(rank => rank !== undefined)) return Math.max(...(ranks as number[]))
  return undefined
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
