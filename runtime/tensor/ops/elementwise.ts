import { ArgumentError, DtypeError } from '../../errors/tensor.ts'
import { currentPosition } from '../current-position.ts'
import { isFloat, isInteger } from '../dtypes/dtype.ts'
import { dimsOf, stateOf, Tensor } from '../tensor.ts'
import type { TensorLike } from '../values/convert.ts'
import { broadcastDims, promote } from '../values/promote.ts'
import { where } from './comparison.ts'
import { arithmetic, asFloat, castTo, real } from './support/kernel.ts'

function binary(name: string, opType: string, a: TensorLike, b: TensorLike): Tensor {
  const [left, right] = promote(a, b)
  return arithmetic(opType, [left, right], broadcastDims(name, dimsOf(left), dimsOf(right)))
}

function same(opType: string, input: Tensor): Tensor {
  return arithmetic(opType, [input], dimsOf(input))
}

/** Arithmetic, and functions of single elements. Operands are broadcast and get a common dtype as in PyTorch. */
export const elementwise = {
  /** this + other, broadcast together. @throws ShapeError if the dims do not broadcast */
  add(this: Tensor, other: TensorLike): Tensor {
    return binary('add', 'Add', this, other)
  },
  /** this − other, broadcast together. @throws ShapeError */
  sub(this: Tensor, other: TensorLike): Tensor {
    return binary('sub', 'Sub', this, other)
  },
  /** other − this, broadcast together. @throws ShapeError */
  rsub(this: Tensor, other: TensorLike): Tensor {
    return binary('sub', 'Sub', other, this)
  },
  /** this · other, element by element, broadcast together. @throws ShapeError */
  mul(this: Tensor, other: TensorLike): Tensor {
    return binary('mul', 'Mul', this, other)
  },
  /** this / other in floating point; integers give float32. @throws ShapeError */
  div(this: Tensor, other: TensorLike): Tensor {
    return divide(this, other)
  },
  /** other / this in floating point; integers give float32. @throws ShapeError */
  rdiv(this: Tensor, other: TensorLike): Tensor {
    return divide(other, this)
  },
  /** this / other rounded down, in the common dtype of both. @throws ShapeError */
  floorDivide(this: Tensor, other: TensorLike): Tensor {
    const [a, b] = promote(this, other)
    if (isFloat(a.type)) return a.div(b).floor()
    const rest = a.sub(remainder(a, b, other))
    const quotient = arithmetic('Div', [rest, guarded(b, other)], dimsOf(rest))
    return mayTrap(b, other) ? where(b.eq(-1), quotient.neg(), quotient) : quotient
  },
  /** The remainder of this / other with the sign of the divisor, as `%` in PyTorch. @throws ShapeError */
  mod(this: Tensor, other: TensorLike): Tensor {
    return remainder(this, other)
  },
  /** The remainder of other / this with the sign of the divisor. @throws ShapeError */
  rmod(this: Tensor, other: TensorLike): Tensor {
    return remainder(other, this)
  },
  /** The remainder of this / other with the sign of the dividend, as `%` in C and JavaScript. @throws ShapeError */
  fmod(this: Tensor, other: TensorLike): Tensor {
    const [a, b] = promote(this, other)
    return arithmetic('Mod', [a, guarded(b, other)], broadcastDims('fmod', dimsOf(a), dimsOf(b)), {
      fmod: { int: 1 },
    })
  },
  /** this to the power of other. @throws ArgumentError for an integer to the power of a negative integer, as in NumPy */
  pow(this: Tensor, other: TensorLike): Tensor {
    return power(this, other)
  },
  /** other to the power of this. @throws ArgumentError for an integer to the power of a negative integer */
  rpow(this: Tensor, other: TensorLike): Tensor {
    return power(other, this)
  },
  /** The smaller of the two, element by element. */
  minimum(this: Tensor, other: TensorLike): Tensor {
    return binary('minimum', 'Min', this, other)
  },
  /** The larger of the two, element by element. */
  maximum(this: Tensor, other: TensorLike): Tensor {
    return binary('maximum', 'Max', this, other)
  },
  /** −x, element by element. @throws DtypeError for bool */
  neg(this: Tensor): Tensor {
    if (this.type === 'bool')
      throw new DtypeError('neg: a bool tensor has no negative.', currentPosition(), 'use not()')
    return same('Neg', this)
  },
  /** The absolute value of each element, in the same dtype. */
  abs(this: Tensor): Tensor {
    return same('Abs', this)
  },
  /** The sign of each element: −1, 0 or 1. NaN stays NaN. */
  sign(this: Tensor): Tensor {
    return same('Sign', this)
  },
  /** The square root of each element, in floating point; NaN below 0. */
  sqrt(this: Tensor): Tensor {
    return real('Sqrt', this)
  },
  /** 1 / √x, in floating point. */
  rsqrt(this: Tensor): Tensor {
    return real('Reciprocal', real('Sqrt', this))
  },
  /** 1 / x, in floating point. */
  reciprocal(this: Tensor): Tensor {
    return real('Reciprocal', this)
  },
  /** eˣ, in floating point. */
  exp(this: Tensor): Tensor {
    return real('Exp', this)
  },
  /** eˣ − 1, in floating point. */
  expm1(this: Tensor): Tensor {
    return this.exp().sub(1)
  },
  /** The natural logarithm, in floating point; NaN below 0. */
  log(this: Tensor): Tensor {
    return real('Log', this)
  },
  /** log(1 + x), in floating point. */
  log1p(this: Tensor): Tensor {
    return asFloat(this).add(1).log()
  },
  /** The logarithm to base 2, in floating point; NaN below 0. */
  log2(this: Tensor): Tensor {
    return this.log().mul(Math.LOG2E)
  },
  /** The sine of an angle in radians, in floating point. */
  sin(this: Tensor): Tensor {
    return real('Sin', this)
  },
  /** The cosine of an angle in radians, in floating point. */
  cos(this: Tensor): Tensor {
    return real('Cos', this)
  },
  /** The hyperbolic tangent, in floating point. */
  tanh(this: Tensor): Tensor {
    return real('Tanh', this)
  },
  /** The error function, in floating point. For float64 it has the precision of float32 only, as onnxruntime's kernel does. */
  erf(this: Tensor): Tensor {
    if (this.type === 'float64') return castTo(real('Erf', castTo(this, 'float32')), 'float64')
    return real('Erf', this)
  },
  /** Rounds each element down to an integer, in the same dtype. */
  floor(this: Tensor): Tensor {
    return isFloat(this.type) ? same('Floor', this) : this
  },
  /** Rounds each element up to an integer, in the same dtype. */
  ceil(this: Tensor): Tensor {
    return isFloat(this.type) ? same('Ceil', this) : this
  },
  /** Rounds each element to the nearest integer, halves to the even one, in the same dtype. */
  round(this: Tensor): Tensor {
    return isFloat(this.type) ? same('Round', this) : this
  },
  /** Limits each element to the range from min to max; either may be left out. */
  clamp(this: Tensor, min?: TensorLike, max?: TensorLike): Tensor {
    const low = min === undefined ? this : this.maximum(min)
    return max === undefined ? low : low.minimum(max)
  },
}

/**
 * Computes a power. onnxruntime computes powers of integers in floating point; by multiplication they are exact, and overflow as products
 * do.
 */
function power(base: TensorLike, exponent: TensorLike): Tensor {
  const [a, b] = promote(base, exponent)
  const exponents = exponent instanceof Tensor ? exponent : b
  if (isFloat(a.type) || !exponents.computed) return binary('pow', 'Pow', a, b)
  const powers = Array.from(stateOf(exponents).data().data as Iterable<number | bigint>, Number)
  const negative = powers.find(value => value < 0)
  if (negative !== undefined)
    throw new ArgumentError(
      `pow: ${a.type} to the power of ${negative} is not an integer.`,
      currentPosition(),
      "compute it in floating point: h.to('float32').pow(-1)",
    )
  const [n] = powers
  if (dimsOf(b)?.length !== 0 || n === 0) return binary('pow', 'Pow', a, b)
  return n === 1 ? a.mul(1) : product(a, n)
}

/** Returns aⁿ for n ≥ 2, by repeated squaring. */
function product(a: Tensor, n: number): Tensor {
  const half = Math.floor(n / 2)
  const square = a.mul(a)
  const even = half === 1 ? square : product(square, half)
  return n % 2 === 0 ? even : even.mul(a)
}

function divide(a: TensorLike, b: TensorLike): Tensor {
  const [left, right] = promote(a, b)
  return arithmetic('Div', [asFloat(left), asFloat(right)], broadcastDims('div', dimsOf(left), dimsOf(right)))
}

/** Whether a division may divide the least integer by −1. At that the processor traps, and the whole process ends. */
function mayTrap(divisor: Tensor, written: TensorLike): boolean {
  return (
    (divisor.type === 'int32' || divisor.type === 'int64') && (typeof written === 'object' || Number(written) === -1)
  )
}

/** Replaces −1 by 1 in a divisor, as the remainder is 0 for both. */
function guarded(divisor: Tensor, written: TensorLike): Tensor {
  return mayTrap(divisor, written) ? where(divisor.eq(-1), 1, divisor) : divisor
}

function remainder(x: TensorLike, y: TensorLike, written = y): Tensor {
  const [a, b] = promote(x, y)
  const dims = broadcastDims('mod', dimsOf(a), dimsOf(b))
  if (isInteger(a.type) || a.type === 'bool') return arithmetic('Mod', [a, guarded(b, written)], dims)
  // For floats, ONNX's Mod has C's sign only. Where the signs of the remainder and the divisor differ, this adds the divisor once.
  const c = arithmetic('Mod', [a, b], dims, { fmod: { int: 1 } })
  const isOff = c.ne(0).and(c.lt(0).ne(b.lt(0)))
  return c.add(castTo(isOff, a.type).mul(b))
}
