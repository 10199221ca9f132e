import { Operation, type Tap, type TapRead, Value, type Write } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import { placeId } from './unit.ts'

/**
 * The places in the model whose gradients a recording wants. Modules that share one tensor are still different places: what is read
 * elsewhere of the tensor does not go through this place. So each place has a value of its own, which an Identity makes.
 */
export class GradientPlaces {
  /** Whether the recording wants any gradient. */
  readonly any: boolean
  readonly #reads = new Map<string, TapRead>()
  readonly #idsByTap = new Map<Tap, Map<number, string>>()
  /** Taps at whose end such a place is, so that all that follows reads it. */
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

  /** The read of the place that has this id. */
  at(id: string): TapRead | undefined {
    return this.#reads.get(id)
  }

  /** The id of the place at a tap after so many writes, if its gradient is wanted. */
  idAt(tap: Tap, writes: number): string | undefined {
    return this.#idsByTap.get(tap)?.get(writes)
  }

  identity(read: TapRead): Operation {
    return new Operation('Identity', '', [new Value(read, 0, 'float32', undefined)], {}, 1, read.mark)
  }
}
