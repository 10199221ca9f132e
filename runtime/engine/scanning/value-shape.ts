import type { Dims } from '../../graph/expression.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'

/** The dtype and dims of a value, as far as they are known before the model runs. */
export interface ValueShape {
  /** The element type. */
  readonly type: DataType
  /** The dims, outermost first. A dim that depends on the data is undefined; if the rank is unknown, `dims` itself is undefined. */
  readonly dims: Dims | undefined
}

/** The dtype and dims of a value as a scan finds them. */
export interface ScannedShape extends ValueShape {
  /** The dims with names for unknown ones, if any has a name: equal names mean equal dims. */
  readonly named?: readonly (number | string | undefined)[]
}
