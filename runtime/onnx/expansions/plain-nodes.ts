import { create } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from '../schema/onnx_pb.ts'
import type { FusedNode } from './expansion.ts'

/** The value of a new node's attribute. An attribute of the fused node is taken over as it is. */
type AttributeValue =
  | number
  | readonly number[]
  | { readonly float: number }
  | { readonly text: string }
  | AttributeProto

/** The beginning of nodes' names among those in use, because a node may have the same name as a value. */
export const NODE = 'node '

/** The `end` of a slice up to the end of its axis. */
const TO_THE_END = 2 ** 31 - 1

/**
 * Builds the plain nodes of one expansion. Every method adds a node and returns the name of its result. Names begin with the fused node's name,
 * so that each node belongs to the same module, and end with what the value is: `…/GroupQueryAttention.scores`.
 */
export class PlainNodes {
  readonly nodes: NodeProto[] = []
  readonly initializers: TensorProto[] = []
  readonly #fused: FusedNode
  readonly #constants = new Map<string, string>()

  /** The value whose element type all activations have, and that type if the file declares it. */
  readonly #activation: readonly [name: string, type: string | undefined]

  constructor(fused: FusedNode) {
    this.#fused = fused
    const { input, output } = fused.proto
    const isFloat = (name: string): boolean => name !== '' && /float/.test(fused.typeOf(name) ?? '')
    const known = [...input, ...output].find(isFloat)
    this.#activation = [input[0], known && fused.typeOf(known)]
  }

  /** Adds a node with one result. `role` says what the result is. `as` is its name, if it must have the fused node's name for it. */
  add(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    role = opType.toLowerCase(),
    as?: string,
  ): string {
    return this.addMany(opType, inputs, attributes, [[role, as]])[0]
  }

  /** Adds a node with several results. */
  addMany(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>>,
    results: readonly (readonly [role: string, as?: string | undefined])[],
    domain = '',
  ): string[] {
    const output = results.map(([role, as]) => as || this.#name(role))
    this.nodes.push(
      create(NodeProtoSchema, {
        name: this.#name(results[0][0], NODE),
        opType,
        domain,
        input: [...inputs],
        output,
        attribute: Object.entries(attributes).map(([name, value]) => attributeOf(name, value)),
        metadataProps: this.#fused.proto.metadataProps,
      }),
    )
    return output
  }

  /** An int64 constant: a vector for a list, a scalar for a number. */
  ints(values: readonly number[] | number): string {
    const list = typeof values === 'number' ? [values] : values
    return this.#constant(`int64 ${typeof values === 'number' ? values : `[${values}]`}`, {
      dataType: DataType.INT64,
      dims: typeof values === 'number' ? [] : [BigInt(list.length)],
      int64Data: list.map(BigInt),
    })
  }

  /** An int32 scalar. */
  int32(value: number): string {
    return this.#constant(`int32 ${value}`, { dataType: DataType.INT32, dims: [], int32Data: [value] })
  }

  /** The sum over one axis, which the result does not have. From opset 13 on, axes are an input. */
  reduceSum(value: string, axis: number, as?: string, role = 'total'): string {
    return this.#fused.opset >= 13
      ? this.add('ReduceSum', [value, this.ints([axis])], { keepdims: 0 }, role, as)
      : this.add('ReduceSum', [value], { axes: [axis], keepdims: 0 }, role, as)
  }

  /** A scalar of the element type of the fused node's activations. */
  number(value: number): string {
    return this.toActivation(this.number32(value), true)
  }

  /** A float32 scalar. */
  number32(value: number): string {
    return this.#constant(`float ${value}`, { dataType: DataType.FLOAT, floatData: [value] })
  }

  /** Casts a value to the element type of the fused node's activations. */
  toActivation(value: string, isFloat32 = false): string {
    const [like, type] = this.#activation
    if (type === 'float32' && isFloat32) return value
    if (type === 'float32' || type === 'float16') return this.castTo(value, type === 'float16' ? 'FLOAT16' : 'FLOAT')
    // CastLike came with opset 15. Without it and without a declared type, float32 is assumed, which nearly all such files have.
    if (this.#fused.opset < 15) return isFloat32 ? value : this.castTo(value, 'FLOAT')
    return this.add('CastLike', [value, like], {}, 'number')
  }

  reshape(value: string, dims: readonly number[], role?: string, as?: string): string {
    return this.add('Reshape', [value, this.ints(dims)], {}, role, as)
  }

  transpose(value: string, perm: readonly number[], role?: string, as?: string): string {
    return this.add('Transpose', [value], { perm }, role, as)
  }

  /** From opset 13 on, axes are an input. */
  unsqueeze(value: string, axes: readonly number[], role?: string): string {
    return this.#fused.opset >= 13
      ? this.add('Unsqueeze', [value, this.ints(axes)], {}, role)
      : this.add('Unsqueeze', [value], { axes }, role)
  }

  slice(value: string, axis: number, start: number, end = TO_THE_END, step = 1, role?: string): string {
    const inputs = [value, this.ints([start]), this.ints([end]), this.ints([axis]), this.ints([step])]
    return this.add('Slice', inputs, {}, role)
  }

  /** From opset 13 on, sizes are an input. */
  split(value: string, axis: number, sizes: readonly number[], roles: readonly string[]): string[] {
    const results = roles.map(role => [role] as const)
    return this.#fused.opset >= 13
      ? this.addMany('Split', [value, this.ints(sizes)], { axis }, results)
      : this.addMany('Split', [value], { axis, split: sizes }, results)
  }

  /** The size of one axis, as an int64 scalar. */
  sizeOf(value: string, axis: number, role?: string): string {
    return this.add('Gather', [this.add('Shape', [value], {}, 'shape'), this.ints(axis)], { axis: 0 }, role ?? 'size')
  }

  /** The integers from 0 up to an int64 scalar, without it. */
  range(limit: string, role?: string): string {
    return this.add('Range', [this.ints(0), limit, this.ints(1)], {}, role)
  }

  castTo(value: string, type: keyof typeof DataType, role?: string): string {
    return this.add('Cast', [value], { to: DataType[type] }, role)
  }

  #constant(key: string, fields: Partial<TensorProto>): string {
    let name = this.#constants.get(key)
    if (name === undefined) {
      name = this.#name(`constant ${key}`)
      this.#constants.set(key, name)
      this.initializers.push(create(TensorProtoSchema, { ...fields, name } as never))
    }
    return name
  }

  #name(role: string, kind = ''): string {
    const base = `${this.#fused.name}.${role}`
    let name = base
    const { taken } = this.#fused
    for (let i = 2; taken.has(kind + name); i++) name = `${base}_${i}`
    taken.add(kind + name)
    return name
  }
}

function attributeOf(name: string, value: AttributeValue) {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) })
  if ('$typeName' in value) return value
  if ('text' in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new TextEncoder().encode(value.text) })
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float })
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) })
}
