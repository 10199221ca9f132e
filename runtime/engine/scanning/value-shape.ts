import type { Dims } from '../../graph/expression.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'

/** Dtype and dims of a value, as far as they are known before the model runs. */
export interface ValueShape {
  /** The element type. */
  readonly type: DataType
  /** Outermost first. A dim that depends on the data is undefined; if the rank is unknown, `dims` itself is. */
  readonly dims: Dims | undefined
}

/** What a scan knows of a value. */
export interface ScannedShape extends ValueShape {
  /** The dims with the names of open ones, where any has a name: equal names mean equal dims. */
  readonly named?: readonly (number | string | undefined)[]
}
