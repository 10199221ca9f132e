import { joint, type Unit } from './effects.ts'
import type { WorthRunning } from './worth-running.ts'

/** A unit, and the error that it makes on one input, as a share of its output's length. */
export interface SizedUnit {
  readonly unit: Unit
  /** What it is called among the units of all inputs. */
  readonly key: string
  readonly size: number
}

/**
 * Measures the effects of the units' errors on one input, and notes them. Those far smaller than the largest run all at once: mostly, nothing
 * comes of them. Then each is given its part of what they did together.
 * @param total the error of B's output on this input
 */
export async function effectsOfSized(
  units: readonly SizedUnit[],
  total: number,
  worth: WorthRunning,
  effectsOf: (units: readonly Unit[]) => Promise<number[]>,
): Promise<Map<Unit, number>> {
  const effects = new Map<Unit, number>()
  const note = (measured: readonly SizedUnit[], errors: readonly number[]): void => {
    for (const [i, { unit, key, size }] of measured.entries()) {
      worth.add(key, errors[i], total, size)
      effects.set(unit, errors[i])
    }
  }
  const slight = worth.slightOf(units)
  const others = units.filter(one => !slight.includes(one))
  const unitsOf = (list: readonly SizedUnit[]): Unit[] => list.map(({ unit }) => unit)
  const errors = await effectsOf([...unitsOf(others), ...(slight.length > 0 ? [joint(unitsOf(slight))] : [])])
  note(others, errors)
  if (slight.length > 0) {
    const together = errors[others.length]
    const isSmall = worth.isSmall(together, total)
    note(slight, isSmall ? worth.partsOf(together, slight) : await effectsOf(unitsOf(slight)))
  }
  return effects
}
