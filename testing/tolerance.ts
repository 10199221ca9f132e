import { ArgumentError } from '../runtime/errors/tensor.ts'
import { type DataType, isFloat } from '../runtime/tensor/dtypes/dtype.ts'

/** How far apart two elements may lie: `|actual - expected| <= atol + rtol * |expected|`, as in NumPy. */
export interface Tolerance {
  /** As a share of the expected element's magnitude. */
  readonly rtol: number
  /** In the tensor's own unit. */
  readonly atol: number
}

/** A tolerance, of which what is left out goes by the dtype. */
export interface ToleranceOptions extends Partial<Tolerance> {
  /**
   * The dtype that the values were computed in, where the tensor has been cast since: its defaults are used. bfloat16 always has been, as
   * it lives inside graphs only.
   * @default the tensor's dtype
   */
  readonly precision?: DataType
}

const exact: Tolerance = { rtol: 0, atol: 0 }

/** What torch.testing.assert_close allows; a float8 or a smaller type has no defaults of its own. */
const defaults: Partial<Readonly<Record<DataType, Tolerance>>> = {
  float64: { rtol: 1e-7, atol: 1e-7 },
  float32: { rtol: 1.3e-6, atol: 1e-5 },
  float16: { rtol: 1e-3, atol: 1e-5 },
  bfloat16: { rtol: 1.6e-2, atol: 1e-5 },
}

/** Of the dtypes of both sides, the looser. @throws ArgumentError for what is no tolerance */
export function toleranceOf(types: readonly DataType[], { rtol, atol, precision }: ToleranceOptions): Tolerance {
  for (const [name, value] of Object.entries({ rtol, atol })) {
    if (value === undefined) continue
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw new ArgumentError(`closeTo: ${name} is ${value}.`, undefined, 'give a number from 0, such as 1e-4')
    const inexact = types.find(type => type === 'bool' || type === 'string')
    if (value > 0 && inexact)
      throw new ArgumentError(
        `closeTo: ${name} is ${value}, and ${inexact} has no tolerance.`,
        undefined,
        'leave it out',
      )
  }
  if (precision !== undefined && !defaults[precision])
    throw new ArgumentError(
      `closeTo: there are no defaults for the precision ${precision}.`,
      undefined,
      `give one of ${Object.keys(defaults).join(', ')}, or rtol and atol`,
    )
  const own = (precision ? [precision] : types).map(defaultOf)
  return {
    rtol: rtol ?? Math.max(...own.map(tolerance => tolerance.rtol)),
    atol: atol ?? Math.max(...own.map(tolerance => tolerance.atol)),
  }
}

function defaultOf(type: DataType): Tolerance {
  return defaults[type] ?? (isFloat(type) ? defaults.bfloat16! : exact)
}
