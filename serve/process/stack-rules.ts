import { Operand, Operation, type OperationAttributes, Value } from '../../runtime/graph/expression.ts'
import { ints, known, knownInts, NotStackable, operand, type Stacked, type Stacking } from './stacked.ts'

/** One operation of a job, with its inputs for all jobs. */
export interface Stacks {
  readonly operation: Operation
  readonly inputs: readonly (Stacked | undefined)[]
  /** The operation's results in one job alone: their dtypes and dims. */
  readonly results: readonly Value[]
  readonly stacking: Stacking
}

type Rule = (of: Stacks) => readonly Stacked[]

/** The operation for all jobs at once. @throws NotStackable for an operation that would mix them, or that no rule knows */
export function stackOperation(of: Stacks): readonly Stacked[] {
  const { operation, inputs } = of
  if (operation.domain !== '') throw new NotStackable()
  if (inputs.every(input => !input || input.layout === 'same')) {
    const same = operation.on(inputs.map(input => input?.value))
    return of.results.map((result, output) => of.stacking.make(same, output, result, 'same'))
  }
  if (elementwise.has(operation.opType)) return element(of)
  const rule = Object.hasOwn(rules, operation.opType) ? rules[operation.opType] : undefined
  if (!rule) throw new NotStackable()
  return rule(of)
}

const elementwise: ReadonlySet<string> = new Set(
  [
    'Abs Acos Acosh Asin Asinh Atan Atanh Cast Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Log',
    'Mish Neg Not Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Tan Tanh BitwiseNot',
    'Add Sub Mul Div Pow Mod Min Max And Or Xor Equal Less LessOrEqual Greater GreaterOrEqual Where Clip PRelu BitwiseAnd BitwiseOr BitwiseXor',
  ].flatMap(line => line.split(' ')),
)

/** Values of all jobs meet element by element: their axes of jobs must lie at the same place. */
function element({ operation, inputs, results, stacking }: Stacks): readonly Stacked[] {
  const present = inputs.filter(input => input !== undefined)
  const rank = Math.max(...present.map(({ dims }) => dims.length))
  const isRows = present.some(({ layout }) => layout === 'rows')
  const placed = inputs.map(input => {
    if (!input) return undefined
    if (isRows) {
      if (input.layout === 'same' && (input.dims.length < rank || input.dims[0] === 1)) return input
      return stacking.toRows(input, rank)
    }
    if (input.layout === 'front' && input.dims.length !== rank) throw new NotStackable()
    return input
  })
  return make({ operation, inputs: placed, results, stacking }, operation.attributes, isRows ? 'rows' : 'front')
}

function make(
  { operation, inputs, results, stacking }: Stacks,
  attributes: OperationAttributes,
  layout: 'rows' | 'front',
): readonly Stacked[] {
  const values = inputs.map(input => input?.value)
  const { opType, outputs, mark, isDetached } = operation
  const made = new Operation(opType, '', values, attributes, outputs, mark, isDetached)
  return results.map((result, output) => stacking.make(made, output, result, layout))
}

/** The first input of an operation that has one axis, or some, of its own; the others must be the same in each job. */
function main({ inputs: [input, ...others] }: Stacks): Stacked & { readonly layout: 'rows' | 'front' } {
  if (!input || input.layout === 'same' || others.some(other => other && other.layout !== 'same'))
    throw new NotStackable()
  return input as Stacked & { readonly layout: 'rows' | 'front' }
}

const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis)

/** The axis for all jobs. @throws NotStackable for the one of the rows */
function axisOf(axis: number, { layout, dims }: Stacked): number {
  const own = fromFront(axis, dims.length)
  if (layout === 'front') return own + 1
  if (own === 0) throw new NotStackable()
  return own
}

/** Works along one axis that is an attribute. */
const alongAttribute =
  (otherwise: number): Rule =>
  of => {
    const input = main(of)
    const stated = of.operation.attributes.axis
    const axis = axisOf(stated && 'int' in stated ? stated.int : otherwise, input)
    return make(of, { ...of.operation.attributes, axis: { int: axis } }, input.layout)
  }

/** Works along axes that are an input. */
const alongInput =
  (at: number): Rule =>
  of => {
    const input = main(of)
    const stated = of.inputs[at]
    if (!stated) throw new NotStackable()
    const axes = knownInts(stated).map(axis => axisOf(axis, input))
    return make(withInput(of, at, axesLike(stated, axes)), of.operation.attributes, input.layout)
  }

/** Axes in the form in which they were: CumSum's is a scalar. */
function axesLike(stated: Stacked, axes: readonly number[]): Stacked {
  const { type, dims } = known(stated)
  const data = type === 'int32' ? Int32Array.from(axes) : BigInt64Array.from(axes, BigInt)
  return { ...stated, value: new Value(new Operand({ type, dims, data }), 0, type, dims) }
}

const withInput = (of: Stacks, at: number, input: Stacked): Stacks => ({
  ...of,
  inputs: Array.from({ length: Math.max(of.inputs.length, at + 1) }, (_, i) => (i === at ? input : of.inputs[i])),
})

const same = (value: Value, { length }: readonly number[]): Stacked => ({ value, layout: 'same', dims: [length] })
const constant = (values: readonly number[]): Stacked => same(ints(values), values)
const sizes = (values: readonly number[]): Stacked => same(operand(values), values)

/** A sum over all axes of a job, its only row among them, leaves one result for each job. */
const reduced: Rule = of => {
  const input = main(of)
  const { attributes } = of.operation
  const rank = input.dims.length
  const keeps = !('keepdims' in attributes && 'int' in attributes.keepdims && attributes.keepdims.int === 0)
  const stated = of.inputs[1] ? knownInts(of.inputs[1]) : []
  if (stated.length === 0 && 'noop_with_empty_axes' in attributes) throw new NotStackable()
  const own = stated.length === 0 ? input.dims.map((_, axis) => axis) : stated.map(axis => fromFront(axis, rank))
  if (own.length === 0) throw new NotStackable()
  if (input.layout === 'front') return make(withInput(of, 1, constant(own.map(axis => axis + 1))), attributes, 'front')
  if (!own.includes(0)) return make(withInput(of, 1, constant(own)), attributes, 'rows')
  const rest = own.filter(axis => axis !== 0)
  if (of.stacking.rows !== 1 || rest.length === 0) throw new NotStackable()
  return make(withInput(of, 1, constant(rest)), attributes, keeps ? 'rows' : 'front')
}

/** The only row of a job, without its axis: the axis becomes that of the jobs. */
function withoutRow(of: Stacks, { value }: Stacked): readonly Stacked[] {
  if (of.stacking.rows !== 1) throw new NotStackable()
  return [{ value, layout: 'front', dims: of.results[0].dims ?? [] }]
}

const gathered: Rule = of => {
  const input = main(of)
  const stated = of.operation.attributes.axis
  const axis = fromFront(stated && 'int' in stated ? stated.int : 0, input.dims.length)
  if (input.layout === 'rows' && axis === 0) {
    const index = known(of.inputs[1]!)
    if (index.dims.length > 0 || ![0, -1].includes(Number(index.data[0]))) throw new NotStackable()
    return withoutRow(of, input)
  }
  return make(of, { ...of.operation.attributes, axis: { int: axisOf(axis, input) } }, input.layout)
}

const squeezed: Rule = of => {
  const input = main(of)
  if (!of.inputs[1]) throw new NotStackable()
  const own = knownInts(of.inputs[1]).map(axis => fromFront(axis, input.dims.length))
  if (input.layout === 'rows' && own.includes(0)) {
    if (of.stacking.rows !== 1) throw new NotStackable()
    const rest = own.filter(axis => axis !== 0)
    if (rest.length === 0) return withoutRow(of, input)
    return make(withInput(of, 1, constant(rest)), of.operation.attributes, 'front')
  }
  return make(withInput(of, 1, constant(own.map(axis => axisOf(axis, input)))), of.operation.attributes, input.layout)
}

/** Axes of an Unsqueeze are those of its result. */
const unsqueezed: Rule = of => {
  const input = main(of)
  if (!of.inputs[1]) throw new NotStackable()
  const stated = knownInts(of.inputs[1])
  const rank = input.dims.length + stated.length
  const axes = stated.map(axis => axisOf(fromFront(axis, rank), input))
  return make(withInput(of, 1, constant(axes)), of.operation.attributes, input.layout)
}

/** A size of 0 keeps that of the input, which here is the number of all rows. */
const reshaped: Rule = of => {
  const input = main(of)
  const shape = knownInts(of.inputs[1]!)
  const { allowzero } = of.operation.attributes
  if (shape.includes(0) || (allowzero && 'int' in allowzero && allowzero.int !== 0)) throw new NotStackable()
  if (input.layout === 'front') return make(withInput(of, 1, constant([0, ...shape])), of.operation.attributes, 'front')
  if (shape[0] !== input.dims[0]) throw new NotStackable()
  return make(withInput(of, 1, constant([0, ...shape.slice(1)])), of.operation.attributes, 'rows')
}

const expanded: Rule = of => {
  const input = main(of)
  const shape = knownInts(of.inputs[1]!)
  const missing = shape.length - input.dims.length
  if (input.layout === 'rows') {
    if (missing !== 0 || ![1, input.dims[0]].includes(shape[0])) throw new NotStackable()
    return make(withInput(of, 1, sizes([1, ...shape.slice(1)])), of.operation.attributes, 'rows')
  }
  if (missing < 0) throw new NotStackable()
  if (missing === 0) return make(withInput(of, 1, sizes([1, ...shape])), of.operation.attributes, 'front')
  // Its own axes are put at the end, beside those of the shape.
  const axes = Array.from({ length: missing }, (_, i) => i + 1)
  const dims = [...axes.map(() => 1), ...input.dims]
  const wide = new Operation('Unsqueeze', '', [input.value, ints(axes)], {}, 1, of.operation.mark)
  const wider = of.stacking.make(wide, 0, new Value(wide, 0, input.value.type, dims), 'front')
  return make({ ...of, inputs: [wider, sizes([1, ...shape])] }, of.operation.attributes, 'front')
}

const transposed: Rule = of => {
  const input = main(of)
  const { perm } = of.operation.attributes
  if (!perm || !('ints' in perm)) throw new NotStackable()
  if (input.layout === 'rows' && perm.ints[0] !== 0) throw new NotStackable()
  const moved = input.layout === 'rows' ? perm.ints : [0, ...perm.ints.map(axis => axis + 1)]
  return make(of, { perm: { ints: moved } }, input.layout)
}

const joined: Rule = of => {
  const { operation, inputs, stacking } = of
  const present = inputs.filter(input => input !== undefined)
  const layout = present.some(input => input.layout === 'rows') ? 'rows' : 'front'
  const placed = present.map(input => (layout === 'rows' ? stacking.toRows(input) : stacking.toFront(input)))
  const { axis } = operation.attributes
  if (!axis || !('int' in axis)) throw new NotStackable()
  const own = axisOf(axis.int, placed[0])
  return make({ ...of, inputs: placed }, { axis: { int: own } }, layout)
}

/** A product sums over the last axis of one factor and the last but one of the other, which must not be that of the jobs. */
const multiplied: Rule = of => {
  const [left, right] = of.inputs as readonly [Stacked, Stacked]
  const both = left.layout !== 'same' && right.layout !== 'same'
  if (both) {
    if (left.layout !== right.layout || left.dims.length !== right.dims.length) throw new NotStackable()
    if (left.dims.length < (left.layout === 'rows' ? 3 : 2)) throw new NotStackable()
    return make(of, {}, left.layout as 'rows' | 'front')
  }
  if (left.layout !== 'same') {
    if (right.dims.length !== 2 || left.dims.length < (left.layout === 'rows' ? 2 : 1)) throw new NotStackable()
    return make(of, {}, left.layout)
  }
  if (left.dims.length !== 2 || right.dims.length < (right.layout === 'rows' ? 3 : 2)) throw new NotStackable()
  return make(of, {}, right.layout as 'rows' | 'front')
}

/** What is written at places of a value: each job's indices begin with its own row. */
const scattered: Rule = of => {
  const { stacking, operation } = of
  const [data, indices, updates] = of.inputs as readonly [Stacked, Stacked, Stacked]
  if (stacking.rows !== 1 || indices.layout !== 'same') throw new NotStackable()
  const { dims, data: stated } = known(indices)
  const width = dims.at(-1) ?? 0
  if (width < 1) throw new NotStackable()
  const length = stated.length
  const all = new BigInt64Array(length * stacking.jobs)
  for (let job = 0; job < stacking.jobs; job++)
    for (let i = 0; i < length; i++) {
      const index = BigInt(stated[i] as bigint)
      if (i % width === 0 && index !== 0n && index !== -1n) throw new NotStackable()
      all[job * length + i] = i % width === 0 ? BigInt(job) : index
    }
  const own = new Operand({ type: 'int64', dims: [stacking.jobs, ...dims], data: all })
  const places: Stacked = { value: new Value(own, 0, 'int64', [undefined, ...dims]), layout: 'front', dims }
  const inputs = [stacking.toRows(data), places, stacking.toFront(updates)]
  return make({ ...of, inputs }, operation.attributes, 'rows')
}

const rules: Readonly<Record<string, Rule>> = {
  Softmax: alongAttribute(-1),
  LogSoftmax: alongAttribute(-1),
  Hardmax: alongAttribute(-1),
  LpNormalization: alongAttribute(-1),
  ArgMax: alongAttribute(0),
  ArgMin: alongAttribute(0),
  TopK: alongAttribute(-1),
  LayerNormalization: alongAttribute(-1),
  RMSNormalization: alongAttribute(-1),
  Split: alongAttribute(0),
  CumSum: alongInput(1),
  Slice: alongInput(3),
  Gather: gathered,
  Squeeze: squeezed,
  Unsqueeze: unsqueezed,
  Reshape: reshaped,
  Expand: expanded,
  Transpose: transposed,
  Concat: joined,
  MatMul: multiplied,
  ScatterND: scattered,
  ReduceSum: reduced,
  ReduceMean: reduced,
  ReduceMax: reduced,
  ReduceMin: reduced,
  ReduceProd: reduced,
  ReduceL1: reduced,
  ReduceL2: reduced,
  ReduceSumSquare: reduced,
  ReduceLogSum: reduced,
  ReduceLogSumExp: reduced,
}
