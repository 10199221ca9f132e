import type { Dims } from '../../graph/expression.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'

/** What is known of a value before the model runs. */
export interface ValueShape {
  /** The element type. */
  readonly type: DataType
  /** Outermost first; a dim that depends on the data is undefined, as are all if not even the rank is known. */
  readonly dims: Dims | undefined
  /** The same with the names that open dims go by, where any has one: equal names, equal dims. @internal */
  readonly named?: readonly (number | string | undefined)[]
}
