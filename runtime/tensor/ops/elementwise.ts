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

/** Arithmetic and functions of single elements. Broadcasting and dtypes are PyTorch's. */
export const elementwise = {
  /** a + b. @throws ShapeError if the dims do not broadcast */
  add(this: Tensor, other: TensorLike): Tensor {
    return binary('add', 'Add', this, other)
  },
  /** a − b. */
  sub(this: Tensor, other: TensorLike): Tensor {
    return binary('sub', 'Sub', this, other)
  },
  /** other − this. */
  rsub(this: Tensor, other: TensorLike): Tensor {
    return binary('sub', 'Sub', other, this)
  },
  /** a · b. */
  mul(this: Tensor, other: TensorLike): Tensor {
    return binary('mul', 'Mul', this, other)
  },
  /** True division: integers give float32. */
  div(this: Tensor, other: TensorLike): Tensor {
    return divide(this, other)
  },
  /** other / this. */
  rdiv(this: Tensor, other: TensorLike): Tensor {
    return divide(other, this)
  },
  /** Division rounded down, in the operands' dtype. */
  floorDivide(this: Tensor, other: TensorLike): Tensor {
    const [a, b] = promote(this, other)
    if (isFloat(a.type)) return a.div(b).floor()
    const rest = a.sub(remainder(a, b, other))
    const quotient = arithmetic('Div', [rest, guarded(b, other)], dimsOf(rest))
    return mayTrap(b, other) ? where(b.eq(-1), quotient.neg(), quotient) : quotient
  },
  /** Remainder with the sign of the divisor, as PyTorch's `%`. */
  mod(this: Tensor, other: TensorLike): Tensor {
    return remainder(this, other)
  },
  /** other mod this. */
  rmod(this: Tensor, other: TensorLike): Tensor {
    return remainder(other, this)
  },
  /** Remainder with the sign of the dividend, as in C and in JavaScript. */
  fmod(this: Tensor, other: TensorLike): Tensor {
    const [a, b] = promote(this, other)
    return arithmetic('Mod', [a, guarded(b, other)], broadcastDims('fmod', dimsOf(a), dimsOf(b)), {
      fmod: { int: 1 },
    })
  },
  /** this to the power of other. @throws ArgumentError for integers to negative integers, as in NumPy */
  pow(this: Tensor, other: TensorLike): Tensor {
    return power(this, other)
  },
  /** other to the power of this. */
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
  /** −x. @throws DtypeError for bool */
  neg(this: Tensor): Tensor {
    if (this.type === 'bool')
      throw new DtypeError('neg: a bool tensor has no negative.', currentPosition(), 'use not()')
    return same('Neg', this)
  },
  /** The magnitude. */
  abs(this: Tensor): Tensor {
    return same('Abs', this)
  },
  /** −1, 0 or 1; NaN stays NaN. */
  sign(this: Tensor): Tensor {
    return same('Sign', this)
  },
  /** The square root, in floating point: NaN below 0. */
  sqrt(this: Tensor): Tensor {
    return real('Sqrt', this)
  },
  /** 1 / √x. */
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
  /** eˣ − 1. */
  expm1(this: Tensor): Tensor {
    return this.exp().sub(1)
  },
  /** Natural logarithm. */
  log(this: Tensor): Tensor {
    return real('Log', this)
  },
  /** log(1 + x). */
  log1p(this: Tensor): Tensor {
    return asFloat(this).add(1).log()
  },
  /** The logarithm to base 2. */
  log2(this: Tensor): Tensor {
    return this.log().mul(Math.LOG2E)
  },
  /** The sine, of radians. */
  sin(this: Tensor): Tensor {
    return real('Sin', this)
  },
  /** The cosine, of radians. */
  cos(this: Tensor): Tensor {
    return real('Cos', this)
  },
  /** The hyperbolic tangent. */
  tanh(this: Tensor): Tensor {
    return real('Tanh', this)
  },
  /** The error function. float64 has the precision of float32: onnxruntime's kernel has no more. */
  erf(this: Tensor): Tensor {
    if (this.type === 'float64') return castTo(real('Erf', castTo(this, 'float32')), 'float64')
    return real('Erf', this)
  },
  /** Rounded down; integers stay as they are. */
  floor(this: Tensor): Tensor {
    return isFloat(this.type) ? same('Floor', this) : this
  },
  /** Rounded up; integers stay as they are. */
  ceil(this: Tensor): Tensor {
    return isFloat(this.type) ? same('Ceil', this) : this
  },
  /** To the nearest integer, halves to even. */
  round(this: Tensor): Tensor {
    return isFloat(this.type) ? same('Round', this) : this
  },
  /** Between min and max; either may be left out. */
  clamp(this: Tensor, min?: TensorLike, max?: TensorLike): Tensor {
    const low = min === undefined ? this : this.maximum(min)
    return max === undefined ? low : low.minimum(max)
  },
}

/** onnxruntime computes powers of integers in floating point: by multiplication they are exact, and wrap as products do. */
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

/** a multiplied n times, n at least 2: by squares. */
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

/** Whether a division may be of the least integer by −1, at which the processor traps and the whole process ends. */
function mayTrap(divisor: Tensor, written: TensorLike): boolean {
  return (
    (divisor.type === 'int32' || divisor.type === 'int64') && (typeof written === 'object' || Number(written) === -1)
  )
}

/** The divisor with 1 for −1: the remainder is 0 for both. */
function guarded(divisor: Tensor, written: TensorLike): Tensor {
  return mayTrap(divisor, written) ? where(divisor.eq(-1), 1, divisor) : divisor
}

function remainder(x: TensorLike, y: TensorLike, written = y): Tensor {
  const [a, b] = promote(x, y)
  const dims = broadcastDims('mod', dimsOf(a), dimsOf(b))
  if (isInteger(a.type) || a.type === 'bool') return arithmetic('Mod', [a, guarded(b, written)], dims)
  // ONNX's Mod takes floats only with C's sign: one step more where the signs differ.
  const c = arithmetic('Mod', [a, b], dims, { fmod: { int: 1 } })
  const isOff = c.ne(0).and(c.lt(0).ne(b.lt(0)))
  return c.add(castTo(isOff, a.type).mul(b))
}
