import { Operation, type Tap, TapRead, Value, type Write } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import { placeId } from './unit.ts'

/** A place whose gradient is wanted. */
export interface GradientPlace {
  /** The read of the value there. */
  readonly read: TapRead
  /** The read that the recording has, perhaps of the same value at an outer module. */
  readonly wanted: TapRead
}

/** The taps at which the read finds the same value, each with its number of writes before: from the innermost module's output to the read's own. */
function sameValue(
  { tap, writes: count }: TapRead,
  writes: ReadonlyMap<Tap, readonly Write[]>,
  pathTo: (tap: Tap) => readonly Tap[],
): [Tap, number][] {
  const found: [Tap, number][] = [[tap, count]]
  if (tap.direction === 'in' || count > 0) return found
  const path = pathTo(tap)
  for (let i = path.indexOf(tap) - 1; i >= 0; i--) {
    const before = writes.get(path[i])?.length ?? 0
    found.unshift([path[i], before])
    if (before > 0) break
  }
  return found
}

/**
 * The places in the model whose gradients a recording wants. Several modules may share one tensor and are still different places, because a
 * read of the tensor elsewhere does not pass through this place. So each place gets a value of its own, made by an Identity. Outputs of
 * modules that end with one another, between which nothing is written, are one value and one place: that of the innermost module.
 */
export class GradientPlaces {
  /** Whether the recording wants any gradient. */
  readonly any: boolean
  readonly #reads = new Map<string, GradientPlace>()
  readonly #idsByTap = new Map<Tap, Map<number, string>>()
  /** The taps that have such a place after all their writes, so that all later nodes read the place's value. */
  readonly taps: readonly Tap[]

  constructor(form: NormalForm, writes: ReadonlyMap<Tap, readonly Write[]>, pathTo: (tap: Tap) => readonly Tap[]) {
    const gradients = form.order.flatMap(expression => (expression.kind === 'gradient' ? [expression] : []))
    this.any = gradients.length > 0
    const taps = new Set<Tap>()
    for (const { expression } of gradients.flatMap(({ at }) => at)) {
      if (expression.kind !== 'read') continue
      const { tap, owner, mark } = expression
      const same = sameValue(expression, writes, pathTo)
      const [[first, count]] = same
      const id = placeId(first.key, count)
      this.#reads.set(id, { read: new TapRead(first, count, owner, mark), wanted: expression })
      for (const [each, before] of same) {
        const ids = this.#idsByTap.get(each) ?? new Map<number, string>()
        this.#idsByTap.set(each, ids.set(before, id))
      }
      if (expression.writes === (writes.get(tap)?.length ?? 0)) taps.add(tap)
    }
    this.taps = [...taps]
  }

  /** The place with this id. */
  at(id: string): GradientPlace | undefined {
    return this.#reads.get(id)
  }

  /** The id of the place at a tap after this number of writes; undefined if its gradient is not wanted. */
  idAt(tap: Tap, writes: number): string | undefined {
    return this.#idsByTap.get(tap)?.get(writes)
  }

  identity(read: TapRead): Operation {
    return new Operation('Identity', '', [new Value(read, 0, 'float32', undefined)], {}, 1, read.mark)
  }
}
