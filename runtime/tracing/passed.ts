import { release, type Tensor } from '../tensor/tensor.ts'
import { collectTensors } from './result.ts'

/** Values that inner traces gave on, saved or not: they live as long as the trace or session around them. */
export class Passed {
  readonly #values = new Set<Tensor>()
  readonly #kept = new Set<Tensor>()

  add(tensor: Tensor): void {
    this.#values.add(tensor)
  }

  /** It was saved: it outlives the outer one too. */
  keep(tensor: Tensor): void {
    this.#kept.add(tensor)
  }

  /** The outer one has ended: what was neither saved nor returned goes, or on to the one around it. */
  end(result: unknown, around?: { pass(tensor: Tensor): void }): void {
    if (this.#values.size === 0) return
    for (const tensor of collectTensors(result)) this.#kept.add(tensor)
    for (const tensor of this.#values) {
      if (this.#kept.has(tensor)) continue
      if (around) around.pass(tensor)
      else release(tensor)
    }
  }
}
