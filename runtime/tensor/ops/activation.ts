import { ShapeError, showDims } from '../../errors/tensor.ts'
import { currentPosition } from '../current-position.ts'
import { type DataType, isFloat } from '../dtypes/dtype.ts'
import { constantTensor, dimsOf, recordOne, Tensor } from '../tensor.ts'
import { type TensorLike, toTensor } from '../values/convert.ts'
import { axisFromBack } from './support/extent.ts'
import { arithmetic, asFloat, castTo, kernelType, real } from './support/kernel.ts'

/** Options of `layerNorm`: the scale and the shift, of the dims `shape`, and the number that is added to the variance, 1e-5 by default. */
export interface LayerNormOptions {
  readonly weight?: TensorLike | undefined
  readonly bias?: TensorLike | undefined
  readonly eps?: number
}

/**
 * Returns a number of a formula as a constant of the graph: nobody varies it, and onnxruntime can only fuse the formula if it is constant.
 */
function constant(value: number, type: DataType): Tensor {
  const inner = type === 'float64' ? type : 'float32'
  const data = inner === 'float64' ? Float64Array.of(value) : Float32Array.of(value)
  return castTo(constantTensor({ type: inner, dims: [], data }), type)
}

function along(name: string, opType: string, input: Tensor, dim: number): Tensor {
  const tensor = asFloat(input)
  return arithmetic(opType, [tensor], dimsOf(tensor), { axis: { int: axisFromBack(tensor, dim, name) } })
}

/**
 * Activation functions and normalisations. Results have the dims of the input. Integers and bools give float32, except by relu, which keeps
 * their dtype.
 */
export const activation = {
  /** The logistic function 1 / (1 + e⁻ˣ), element by element. */
  sigmoid(this: Tensor): Tensor {
    // onnxruntime fuses x · Sigmoid(x) into an operator that has no kernel for float64.
    if (this.type === 'float64') return this.neg().exp().add(1).reciprocal()
    return real('Sigmoid', this)
  },
  /** max(x, 0), element by element. */
  relu(this: Tensor): Tensor {
    return isFloat(this.type) ? real('Relu', this) : this.maximum(0)
  },
  /** x where x > 0, else `alpha` · (eˣ − 1). (Clevert, Unterthiner and Hochreiter 2015, arXiv:1511.07289) */
  elu(this: Tensor, alpha = 1): Tensor {
    // onnxruntime has no kernel for float64.
    if (this.type === 'float64') return this.maximum(0).add(this.minimum(0).expm1().mul(alpha))
    return real('Elu', this, { alpha: { float: alpha } })
  },
  /** x where x > 0, else `negativeSlope` · x. */
  leakyRelu(this: Tensor, negativeSlope = 0.01): Tensor {
    if (this.type === 'float64') return this.maximum(0).add(this.minimum(0).mul(negativeSlope))
    return real('LeakyRelu', this, { alpha: { float: negativeSlope } })
  },
  /**
   * x · Φ(x), where Φ is the normal distribution's cumulative function; with `approximate: 'tanh'` by the approximation with tanh.
   * (Hendrycks and Gimpel 2016, arXiv:1606.08415)
   */
  gelu(this: Tensor, { approximate = 'none' }: { approximate?: 'none' | 'tanh' } = {}): Tensor {
    const x = asFloat(this)
    const number = (value: number): Tensor => constant(value, x.type)
    if (approximate === 'none') {
      const inner = x.div(number(Math.SQRT2)).erf().add(number(1))
      return x.mul(inner).mul(number(0.5))
    }
    const cubic = x.mul(x).mul(x).mul(number(0.044715))
    const inner = x.add(cubic).mul(number(Math.sqrt(2 / Math.PI)))
    return x.mul(number(0.5)).mul(inner.tanh().add(number(1)))
  },
  /** x · sigmoid(x), also called swish. (Elfwing, Uchibe and Doya 2017, arXiv:1702.03118) */
  silu(this: Tensor): Tensor {
    const x = asFloat(this)
    return x.mul(x.sigmoid())
  },
  /** log(1 + eˣ), computed without overflow. */
  softplus(this: Tensor): Tensor {
    // onnxruntime has no kernel for float64.
    if (this.type === 'float64') return this.maximum(0).add(this.abs().neg().exp().log1p())
    return real('Softplus', this)
  },
  /**
   * eˣ divided by the sum of eˣ along the dim, so that the elements along the dim sum up to 1.
   * @throws IndexError if there is no such dim
   */
  softmax(this: Tensor, dim: number): Tensor {
    return along('softmax', 'Softmax', this, dim)
  },
  /** The logarithm of softmax along the dim, computed without overflow. @throws IndexError if there is no such dim */
  logSoftmax(this: Tensor, dim: number): Tensor {
    return along('logSoftmax', 'LogSoftmax', this, dim)
  },
  /**
   * Subtracts the mean over the last dims, which are `shape`, and divides by √(variance + eps); then multiplies by `weight` and adds `bias`
   * where they are given. (Ba, Kiros and Hinton 2016, arXiv:1607.06450)
   * @throws ShapeError if `shape` is not the last dims
   */
  layerNorm(
    this: Tensor,
    shape: number | readonly number[],
    { weight, bias, eps = 1e-5 }: LayerNormOptions = {},
  ): Tensor {
    const input = asFloat(this)
    const last = typeof shape === 'number' ? [shape] : [...shape]
    const own = dimsOf(input)
    if (own && !last.every((dim, i) => (own.at(i - last.length) ?? dim) === dim && last.length <= own.length)) {
      throw new ShapeError(`layerNorm: ${showDims(own)} does not end in ${showDims(last)}`, currentPosition())
    }
    const inner = kernelType(input.type)
    const parameter = (name: string, like: TensorLike): Tensor => {
      const tensor = toTensor(like)
      const dims = dimsOf(tensor)
      if (dims && (dims.length !== last.length || dims.some((dim, i) => dim !== undefined && dim !== last[i]))) {
        throw new ShapeError(`layerNorm: the ${name} is ${showDims(dims)}, not ${showDims(last)}`, currentPosition())
      }
      return castTo(tensor, inner)
    }
    const scale = weight === undefined ? ones(last, inner) : parameter('weight', weight)
    const inputs = [castTo(input, inner), scale, ...(bias === undefined ? [] : [parameter('bias', bias)])]
    const attributes = { axis: { int: -last.length }, epsilon: { float: eps } }
    return castTo(recordOne('LayerNormalization', inputs, { type: inner, dims: own }, attributes), input.type)
  },
}

function ones(dims: readonly number[], type: DataType): Tensor {
  const size = dims.reduce((a, b) => a * b, 1)
  return castTo(Tensor.of({ type: 'float32', dims, data: new Float32Array(size).fill(1) }), type)
}
