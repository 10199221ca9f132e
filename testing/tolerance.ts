import { ArgumentError } from '../runtime/errors/tensor.ts'
import { type DataType, isFloat } from '../runtime/tensor/dtypes/dtype.ts'

/** How much two elements may differ: `|actual - expected| <= atol + rtol * |expected|`, as in NumPy's `isclose`. */
export interface Tolerance {
  /** The relative tolerance: a share of the expected element's magnitude, from 0. */
  readonly rtol: number
  /** The absolute tolerance, in the unit of the tensor's elements, from 0. */
  readonly atol: number
}

/** A tolerance. If a part of it is left out, the dtype decides. */
export interface ToleranceOptions extends Partial<Tolerance> {
  /**
   * The dtype in which the values were computed, if the tensor was cast afterwards. Its defaults are used. A bfloat16 result was always cast,
   * because only graphs have bfloat16.
   * @default the tensor's dtype
   */
  readonly precision?: DataType
}

const exact: Tolerance = { rtol: 0, atol: 0 }

/** The defaults of torch.testing.assert_close. float8 and smaller types have none. */
const defaults: Partial<Readonly<Record<DataType, Tolerance>>> = {
  float64: { rtol: 1e-7, atol: 1e-7 },
  float32: { rtol: 1.3e-6, atol: 1e-5 },
  float16: { rtol: 1e-3, atol: 1e-5 },
  bfloat16: { rtol: 1.6e-2, atol: 1e-5 },
}

/** The tolerance for two dtypes: the looser of their defaults, unless the options set it. @throws ArgumentError for a wrong option */
export function toleranceOf(types: readonly DataType[], { rtol, atol, precision }: ToleranceOptions): Tolerance {
  for (const [name, value] of Object.entries({ rtol, atol })) {
    if (value === undefined) continue
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw new ArgumentError(`closeTo: ${name} is ${value}.`, undefined, 'pass a number from 0, such as 1e-4')
    const inexact = types.find(type => type === 'bool' || type === 'string')
    if (value > 0 && inexact)
      throw new ArgumentError(
        `closeTo: ${name} is ${value}, but ${inexact} is compared exactly.`,
        undefined,
        'leave it out',
      )
  }
  if (precision !== undefined && !defaults[precision])
    throw new ArgumentError(
      `closeTo: there is no default tolerance for the precision ${precision}.`,
      undefined,
      `pass one of ${Object.keys(defaults).join(', ')}, or rtol and atol`,
    )
  const tolerances = (precision ? [precision] : types).map(defaultOf)
  return {
    rtol: rtol ?? Math.max(...tolerances.map(tolerance => tolerance.rtol)),
    atol: atol ?? Math.max(...tolerances.map(tolerance => tolerance.atol)),
  }
}

function defaultOf(type: DataType): Tolerance {
  return defaults[type] ?? (isFloat(type) ? defaults.bfloat16! : exact)
}
