import { ArgumentError } from '../../errors/tensor.ts'
import { currentPosition } from '../current-position.ts'
import type { DataType } from '../dtypes/dtype.ts'
import type { Tensor } from '../tensor.ts'
import { castTo } from './support/kernel.ts'

/** Conversions: the only place where precision may be lost, as the caller asks for it. */
export const cast = {
  /** Another dtype. Floats to integers drop the fraction; anything to bool is "not zero". */
  to(this: Tensor, type: DataType): Tensor {
    if (type === undefined) throw new ArgumentError('to: it takes a dtype.', currentPosition(), "write h.to('float32')")
    return castTo(this, type)
  },
  /** As float32. */
  float(this: Tensor): Tensor {
    return castTo(this, 'float32')
  },
  /** As float16. */
  half(this: Tensor): Tensor {
    return castTo(this, 'float16')
  },
  /** As float64. */
  double(this: Tensor): Tensor {
    return castTo(this, 'float64')
  },
  /** As int64. */
  long(this: Tensor): Tensor {
    return castTo(this, 'int64')
  },
  /** As int32. */
  int(this: Tensor): Tensor {
    return castTo(this, 'int32')
  },
  /** Whether an element is not zero. */
  bool(this: Tensor): Tensor {
    return castTo(this, 'bool')
  },
}
