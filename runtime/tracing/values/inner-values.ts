import { release, type Tensor } from '../../tensor/tensor.ts'
import { collectTensors } from './collect-tensors.ts'

/** A trace or session that takes over the values of traces inside it. */
export interface Enclosing {
  takeFromInner(tensor: Tensor): void
}

/** Values that inner traces gave to the trace or session around them. They live as long as that does, saved or not. */
export class InnerValues {
  readonly #values = new Set<Tensor>()
  readonly #kept = new Set<Tensor>()

  add(tensor: Tensor): void {
    this.#values.add(tensor)
  }

  /** The value was saved: it outlives the trace or session around it too. */
  keep(tensor: Tensor): void {
    this.#kept.add(tensor)
  }

  /** The trace or session has ended. What was neither saved nor returned goes to the one around it, or is released. */
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
