import { Operation, type Tap, type TapRead, Value, type Write } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import { placeId } from './unit.ts'

/**
 * The places in the model whose gradients a recording wants. Several modules may share one tensor and are still different places, because a
 * read of the tensor elsewhere does not pass through this place. So each place gets a value of its own, made by an Identity.
 */
export class GradientPlaces {
  /** Whether the recording wants any gradient. */
  readonly any: boolean
  readonly #reads = new Map<string, TapRead>()
  readonly #idsByTap = new Map<Tap, Map<number, string>>()
  /** The taps that have such a place after all their writes, so that all later nodes read the place's value. */
  readonly taps: readonly Tap[]

  constructor(form: NormalForm, writes: ReadonlyMap<Tap, readonly Write[]>) {
    const gradients = form.order.flatMap(expression => (expression.kind === 'gradient' ? [expression] : []))
    this.any = gradients.length > 0
    const taps = new Set<Tap>()
    for (const { expression } of gradients.flatMap(({ at }) => at)) {
      if (expression.kind !== 'read') continue
      const { tap } = expression
      const id = placeId(tap.key, expression.writes)
      this.#reads.set(id, expression)
      const ids = this.#idsByTap.get(tap) ?? new Map<number, string>()
      this.#idsByTap.set(tap, ids.set(expression.writes, id))
      if (expression.writes === (writes.get(tap)?.length ?? 0)) taps.add(tap)
    }
    this.taps = [...taps]
  }

  /** The read at the place with this id. */
  at(id: string): TapRead | undefined {
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
