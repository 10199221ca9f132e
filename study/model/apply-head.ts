import { Application, Value } from '../../runtime/graph/expression.ts'
import type { FoundLens } from '../../runtime/names/lens-path.ts'
import { cat } from '../../runtime/tensor/functions.ts'
import { newHandle, stateOf, type Tensor } from '../../runtime/tensor/tensor.ts'
import type { RunningTrace } from '../../runtime/tracing/running-trace.ts'

/** The logits that the model would compute if `state`, `[prompt, token, width]`, were the output of its last layer. */
export function applyHead(tracer: RunningTrace, { leaving, logits }: FoundLens, state: Tensor): Tensor {
  const shape = tracer.shapeOf(logits.tensor)
  const application = new Application('', leaving.at(-1)!, logits, stateOf(state).value, tracer, tracer.mark())
  // The head computes each position by itself, so `state` may have another number of positions.
  const dims = shape?.dims && [...state.dims.slice(0, -1), shape.dims.at(-1)]
  return newHandle(new Value(application, 0, shape?.type ?? state.type, dims), tracer)
}

/**
 * The logits of several states of equal dims, `[prompt, token, width]`. Where it can, the head runs once for all of them, because each
 * product with the unembedding would pack that matrix anew.
 */
export function applyHeadToEach(tracer: RunningTrace, lens: FoundLens, states: readonly Tensor[]): Tensor[] {
  const count = states[0]?.dims[1]
  if (count === undefined || !lens.takesAnyPositions) return states.map(state => applyHead(tracer, lens, state))
  const all = applyHead(tracer, lens, cat(states, 1))
  return states.map((_, i) => all.narrow(1, i * count, count))
}
