import type { DataType } from '../tensor/dtypes/dtype.ts'
import { type Expression, Operation, type OperationAttribute, type OperationAttributes, Value } from './expression.ts'
import { operationsBehind } from './leaves.ts'
import { firstOpset } from './opsets.ts'

/** An operation in the form of an older opset. Its inputs are some of the recorded operation's inputs. */
export interface Lowered {
  readonly opType: string
  readonly domain: string
  readonly inputs: readonly (Value | undefined)[]
  readonly attributes: OperationAttributes
}

type Rewrite = (operation: Operation, opset: number) => Lowered | undefined

/** Converts an operation from opset 21, in which it was recorded, to `opset`; undefined if that opset can't express it. */
export function lower(operation: Operation, opset: number): Lowered | undefined {
  if (opset >= 21) return operation
  // onnxruntime's own operators have versions of their own.
  if (operation.domain !== '') return operation
  const types = operation.inputs.flatMap(input => (input ? [input.type] : []))
  if (opset < firstOpset(operation.opType, types)) return undefined
  const rewrite = rewrites[operation.opType]
  return rewrite ? rewrite(operation, opset) : operation
}

/** Rewrites the operation in opsets before `version` only. */
const untilOpset =
  (version: number, rewrite: Rewrite): Rewrite =>
  (operation, opset) =>
    opset >= version ? operation : rewrite(operation, opset)

/** Turns input `index`, which must be a constant, into an attribute. */
const inputToAttribute =
  (index: number, name: string): Rewrite =>
  operation => {
    const { noop_with_empty_axes: noop, ...attributes } = operation.attributes
    const input = operation.inputs[index]
    if (!input)
      return noop && 'int' in noop && noop.int === 1 ? undefined : change(operation, operation.inputs, attributes)
    const ints = constantInts(input)
    if (!ints || (ints.length === 0 && noop)) return undefined
    const inputs = operation.inputs.slice(0, index)
    return change(operation, inputs, ints.length > 0 ? { ...attributes, [name]: { ints } } : attributes)
  }

/** Leaves out an attribute that older opsets lack, if it has its default value. */
const laterAttribute =
  (version: number, name: string, isDefault: (attribute: OperationAttribute) => boolean): Rewrite =>
  (operation, opset) => {
    const { [name]: attribute, ...others } = operation.attributes
    if (opset >= version || !attribute) return operation
    return isDefault(attribute) ? change(operation, operation.inputs, others) : undefined
  }

/**
 * Before opset 13 these operations treated the axis and all axes after it as one, which makes no difference on the last axis. Only the
 * recorded attribute may tell that it is the last, not the dims, because one plan serves recordings of any dims.
 */
const lastAxisOnly: Rewrite = (operation, opset) => {
  const { axis } = operation.attributes
  if (opset >= 13 || (axis && 'int' in axis && axis.int === -1)) return operation
  return axis ? undefined : change(operation, operation.inputs, { ...operation.attributes, axis: { int: -1 } })
}

/** Sizes are an input since opset 13; the number of equal parts can be given since 18. */
const split: Rewrite = (operation, opset) => {
  if (operation.inputs[1]) return opset >= 13 ? operation : inputToAttribute(1, 'split')(operation, opset)
  return opset >= 18 ? operation : undefined
}

/** Reductions of ScatterElements and ScatterND: sums and products exist since opset 16, maximum and minimum since 18. */
const scatter: Rewrite = (operation, opset) => {
  const { reduction, ...others } = operation.attributes
  if (!reduction || !('string' in reduction)) return operation
  if (reduction.string === 'none') return opset >= 16 ? operation : change(operation, operation.inputs, others)
  return opset >= (/^(add|mul)$/.test(reduction.string) ? 16 : 18) ? operation : undefined
}

/** A shape that is computed at run time may contain a 0. Without `allowzero` onnxruntime refuses it, or returns an empty tensor of other dims. */
const reshape: Rewrite = (operation, opset) => {
  const shape = operation.inputs[1]
  const isComputed = shape !== undefined && shape.expression.kind !== 'constant'
  return laterAttribute(14, 'allowzero', attribute => isComputed || isZero(attribute))(operation, opset)
}

const pad: Rewrite = (operation, opset) => {
  const { mode } = operation.attributes
  if (opset < 19 && mode && 'string' in mode && mode.string === 'wrap') return undefined
  return opset < 18 && operation.inputs[3] ? undefined : operation
}

const cast: Rewrite = (operation, opset) => {
  const { to } = operation.attributes
  if (opset < 13 && to && 'int' in to && to.int === 16) return undefined
  if (to && 'int' in to && to.int > 16) return undefined
  return laterAttribute(19, 'saturate', () => true)(operation, opset)
}

/** A body's operations are in the form of the same opset. */
const scan: Rewrite = (operation, opset) => {
  const { body } = operation.attributes
  if (!body || !('body' in body)) return operation
  const { inputs, outputs } = body.body
  const copies = new Map<Expression, Operation>()
  const copied = (value: Value): Value => {
    const copy = copies.get(value.expression)
    return copy ? new Value(copy, value.output, value.type, value.dims) : value
  }
  for (const output of outputs)
    for (const each of operationsBehind(output, copies)) {
      const lowered = lower(each, opset)
      if (!lowered) return undefined
      const reads = lowered.inputs.map(input => input && copied(input))
      copies.set(
        each,
        new Operation(lowered.opType, lowered.domain, reads, lowered.attributes, each.outputs, each.mark),
      )
    }
  return change(operation, operation.inputs, {
    ...operation.attributes,
    body: { body: { inputs, outputs: outputs.map(copied) } },
  })
}

const isZero = (attribute: OperationAttribute): boolean => 'int' in attribute && attribute.int === 0

const reduceAxes = untilOpset(18, inputToAttribute(1, 'axes'))

const rewrites: Readonly<Record<string, Rewrite>> = {
  ReduceSum: untilOpset(13, inputToAttribute(1, 'axes')),
  ReduceMean: reduceAxes,
  ReduceMax: reduceAxes,
  ReduceMin: reduceAxes,
  ReduceProd: reduceAxes,
  ReduceL1: reduceAxes,
  ReduceL2: reduceAxes,
  ReduceLogSum: reduceAxes,
  ReduceLogSumExp: reduceAxes,
  ReduceSumSquare: reduceAxes,
  Squeeze: untilOpset(13, inputToAttribute(1, 'axes')),
  Unsqueeze: untilOpset(13, inputToAttribute(1, 'axes')),
  Softmax: lastAxisOnly,
  LogSoftmax: lastAxisOnly,
  Hardmax: lastAxisOnly,
  Split: split,
  ScatterElements: scatter,
  ScatterND: scatter,
  Pad: pad,
  Cast: cast,
  Reshape: reshape,
  Scan: scan,
  ArgMax: laterAttribute(12, 'select_last_index', isZero),
  ArgMin: laterAttribute(12, 'select_last_index', isZero),
  GatherND: laterAttribute(12, 'batch_dims', isZero),
  Shape: (operation, opset) =>
    opset < 15 && ('start' in operation.attributes || 'end' in operation.attributes) ? undefined : operation,
}

function change(operation: Operation, inputs: Lowered['inputs'], attributes: OperationAttributes): Lowered {
  return { opType: operation.opType, domain: operation.domain, inputs, attributes }
}

function constantInts(value: Value): number[] | undefined {
  if (value.expression.kind !== 'constant') return undefined
  const type: DataType = value.expression.data.type
  return type === 'int64' ? Array.from(value.expression.data.data as BigInt64Array, Number) : undefined
}
