import { SaveError } from '../../errors/trace.ts'
import type { Mark } from '../../graph/expression.ts'
import type { Recorder } from '../../graph/recorder.ts'
import { stateOf, type Tensor } from '../../tensor/tensor.ts'
import type { Session } from '../scopes/session-scope.ts'
import { collectTensors } from './collect-tensors.ts'
import { type Enclosing, InnerValues } from './inner-values.ts'

/** No more objects than this are searched for tensors among the values that a program holds. */
const MOST_OBJECTS = 5_000

/** The trace whose values these are. */
interface ValuesOwner extends Recorder {
  /** The trace or session around this trace, as long as it lasts. */
  readonly enclosing: Enclosing | undefined
  readonly session: Session | undefined
  mark(): Mark | undefined
}

/** The values that outlive their trace: saved ones, and those that go to a trace or session around it. */
export class OutgoingValues {
  readonly #owner: ValuesOwner
  /** The handles whose values are kept after the trace. */
  readonly saved = new Set<Tensor>()
  /**
   * Those of them that were neither saved nor returned: only a variable of the trace or session around holds them, so that perhaps nobody
   * reads them.
   */
  readonly heldByVariables = new Set<Tensor>()
  readonly #inner = new InnerValues()

  constructor(owner: ValuesOwner) {
    this.#owner = owner
  }

  /** @throws SaveError for a tensor of another trace */
  save(tensor: Tensor): void {
    this.heldByVariables.delete(tensor)
    this.#inner.keep(tensor)
    this.#owner.session?.save(tensor)
    if (tensor.computed) return
    const { recorder, label } = stateOf(tensor)
    if (recorder && recorder !== this.#owner) {
      throw new SaveError(
        `save() was given ${label}, which belongs to another trace.`,
        'save it in the trace that reads it',
        this.#owner.mark()?.position(),
      )
    }
    this.saved.add(tensor)
  }

  /** Keeps the trace's own tensors among these values as long as the trace or session around it lasts. */
  passOn(values: readonly unknown[]): void {
    for (const tensor of collectTensors(values, MOST_OBJECTS)) {
      if (stateOf(tensor).recorder !== this.#owner || this.saved.has(tensor)) continue
      this.saved.add(tensor)
      this.heldByVariables.add(tensor)
      this.#owner.enclosing?.takeFromInner(tensor)
    }
  }

  /** Takes over a tensor from an inner trace. */
  takeFromInner(tensor: Tensor): void {
    this.#inner.add(tensor)
    this.#owner.session?.takeFromInner(tensor)
  }

  /** Ends the trace with this result. */
  end(result: unknown): void {
    this.#inner.end(result, this.#owner.enclosing)
  }
}
