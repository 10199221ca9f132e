import { Constant, Operation, Value } from '../graph/expression.ts'

/** These operations move elements and compute nothing, so onnxruntime runs them in float16 itself. */
const MOVES: ReadonlySet<string> = new Set(
  'Reshape Squeeze Unsqueeze Transpose Concat Slice Split Gather GatherND GatherElements Shape Size Identity'.split(
    ' ',
  ),
)

const known = new WeakMap<Value, Value>()

/**
 * Returns the value that an operation should read in place of `value`, so that it sees numbers rounded to float16. On the CPU onnxruntime
 * computes float16 in float32, between casts. Where two operations follow each other directly it leaves both casts out, so the second would
 * read numbers that float16 can't hold (3495082 instead of Infinity). A change of dims and back keeps the casts.
 */
export function roundedToFloat16(value: Value, opType: string): Value {
  const { expression, type, dims } = value
  const isComputed = expression.kind !== 'operand' && expression.kind !== 'constant'
  if (type !== 'float16' || !isComputed || MOVES.has(opType)) return value
  if (expression.kind === 'operation' && expression.opType === 'Squeeze') return value
  let rounded = known.get(value)
  if (!rounded) {
    const mark = 'mark' in expression ? expression.mark : undefined
    const axes = new Constant({ type: 'int64', dims: [1], data: BigInt64Array.of(0n) })
    const axis = new Value(axes, 0, 'int64', [1])
    const wide = new Operation('Unsqueeze', '', [value, axis], {}, 1, mark)
    const raised = new Value(wide, 0, type, dims && [1, ...dims])
    rounded = new Value(new Operation('Squeeze', '', [raised, axis], {}, 1, mark), 0, type, dims)
    known.set(value, rounded)
  }
  return rounded
}
