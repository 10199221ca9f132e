import { release, type Tensor } from '../../tensor/tensor.ts'
import { collectTensors } from './collect-tensors.ts'

/** A trace or session that takes over the values of traces inside it. */
export interface Enclosing {
  takeFromInner(tensor: Tensor): void
}

/** The values that inner traces gave to the trace or session around them. They live as long as it does, saved or not. */
export class InnerValues {
  readonly #values = new Set<Tensor>()
  readonly #kept = new Set<Tensor>()

  add(tensor: Tensor): void {
    this.#values.add(tensor)
  }

  /** Notes that a value was saved, so that it also outlives the trace or session around it. */
  keep(tensor: Tensor): void {
    this.#kept.add(tensor)
  }

  /** Ends the trace or session. Values that were neither saved nor returned go to the one around it, or are released. */
  end(result: unknown, enclosing?: Enclosing): void {
    if (this.#values.size === 0) return
    for (const tensor of collectTensors(result)) this.#kept.add(tensor)
    for (const tensor of this.#values) {
      if (this.#kept.has(tensor)) continue
      if (enclosing) enclosing.takeFromInner(tensor)
      else release(tensor)
    }
  }
}
