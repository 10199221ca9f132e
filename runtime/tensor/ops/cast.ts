import { ArgumentError } from '../../errors/tensor.ts'
import { currentPosition } from '../current-position.ts'
import type { DataType } from '../dtypes/dtype.ts'
import type { Tensor } from '../tensor.ts'
import { castTo } from './support/kernel.ts'

/** Conversions to another dtype. Only they may lose precision, because the caller asks for it. */
export const cast = {
  /**
   * Converts to another dtype and keeps the dims. Floats lose their fraction when they become integers; converted to bool, an element is
   * true if it is not zero.
   */
  to(this: Tensor, type: DataType): Tensor {
    if (type === undefined) throw new ArgumentError('to: it takes a dtype.', currentPosition(), "write h.to('float32')")
    return castTo(this, type)
  },
  /** Converts to float32. */
  float(this: Tensor): Tensor {
    return castTo(this, 'float32')
  },
  /** Converts to float16. */
  half(this: Tensor): Tensor {
    return castTo(this, 'float16')
  },
  /** Converts to float64. */
  double(this: Tensor): Tensor {
    return castTo(this, 'float64')
  },
  /** Converts to int64. */
  long(this: Tensor): Tensor {
    return castTo(this, 'int64')
  },
  /** Converts to int32. */
  int(this: Tensor): Tensor {
    return castTo(this, 'int32')
  },
  /** Converts to bool: whether an element is not zero. */
  bool(this: Tensor): Tensor {
    return castTo(this, 'bool')
  },
}
