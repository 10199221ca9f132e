import { Tensor } from './tensor.ts'
import type { TensorLike } from './values/convert.ts'

type Method = 'add' | 'mul' | 'lt' | 'le' | 'gt' | 'ge'

/*
 * JavaScript's operators as they work in a traced block: if one side is a tensor, the operator records the tensor operation; if none is, it
 * means what it always does.
 */

function symmetric(method: Method, mirrored: Method, plain: (a: never, b: never) => unknown) {
  return (a: unknown, b: unknown): unknown => {
    if (a instanceof Tensor) return a[method](b as TensorLike)
    if (b instanceof Tensor) return b[mirrored](a as TensorLike)
    return plain(a as never, b as never)
  }
}

function ordered(
  method: 'sub' | 'div' | 'mod' | 'pow',
  reverse: 'rsub' | 'rdiv' | 'rmod' | 'rpow',
  plain: (a: never, b: never) => unknown,
) {
  return (a: unknown, b: unknown): unknown => {
    if (a instanceof Tensor) return a[method](b as TensorLike)
    if (b instanceof Tensor) return b[reverse](a as TensorLike)
    return plain(a as never, b as never)
  }
}

/** Compares a tensor with numbers and tensors element by element; anything else is simply not equal to it. */
function equality(negated: boolean, plain: (a: unknown, b: unknown) => boolean) {
  const isComparable = (value: unknown): boolean =>
    value instanceof Tensor || /^(number|bigint|boolean)$/.test(typeof value)
  return (a: unknown, b: unknown): unknown => {
    const tensor = a instanceof Tensor ? a : b instanceof Tensor ? b : undefined
    const other = tensor === a ? b : a
    if (!tensor || !isComparable(other)) return plain(a, b)
    return negated ? tensor.ne(other as TensorLike) : tensor.eq(other as TensorLike)
  }
}

export const operators = {
  add: symmetric('add', 'add', (a, b) => a + b),
  mul: symmetric('mul', 'mul', (a, b) => a * b),
  sub: ordered('sub', 'rsub', (a, b) => a - b),
  div: ordered('div', 'rdiv', (a, b) => a / b),
  mod: ordered('mod', 'rmod', (a, b) => a % b),
  pow: ordered('pow', 'rpow', (a, b) => a ** b),
  neg: (a: unknown): unknown => (a instanceof Tensor ? a.neg() : -(a as number)),
  lt: symmetric('lt', 'gt', (a, b) => a < b),
  le: symmetric('le', 'ge', (a, b) => a <= b),
  gt: symmetric('gt', 'lt', (a, b) => a > b),
  ge: symmetric('ge', 'le', (a, b) => a >= b),
  eq: equality(false, (a, b) => a === b),
  ne: equality(true, (a, b) => a !== b),
  // biome-ignore lint/suspicious/noDoubleEquals: this is what == means
  looseEq: equality(false, (a, b) => a == b),
  // biome-ignore lint/suspicious/noDoubleEquals: this is what != means
  looseNe: equality(true, (a, b) => a != b),
}
