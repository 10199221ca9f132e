import { LRUCache } from 'lru-cache'
import { mixingNode } from '../../runtime/engine/blocks/mixed-rows.ts'
import type { Engine } from '../../runtime/engine/engine.ts'
import type { ValueShape } from '../../runtime/engine/scanning/value-shape.ts'
import { joinInputs } from '../../runtime/tracing/invokes/batch.ts'
import type { Traceable } from '../../runtime/tracing/traceable.ts'
import type { Ready } from './job.ts'

/** What is known of the rows of a model's values, for inputs of some dims. */
export interface ModelRows {
  /** The rows of one job. */
  readonly rows: number
  readonly alone: ReadonlyMap<string, ValueShape>
  /** The dims of two such jobs in one batch. */
  readonly twice: ReadonlyMap<string, ValueShape>
}

const MAX_KNOWN = 256
const known = new WeakMap<Engine, LRUCache<string, { readonly found: ModelRows | undefined }>>()

/** Whether jobs with inputs of these dims can share a batch. @returns undefined if some node of the model would mix them */
export async function modelRows(
  model: Traceable,
  { variant: { engine }, inputs }: Ready,
): Promise<ModelRows | undefined> {
  const own = known.get(engine) ?? new LRUCache<string, { readonly found: ModelRows | undefined }>({ max: MAX_KNOWN })
  known.set(engine, own)
  const key = dimsKey(inputs)
  const earlier = own.get(key)
  if (earlier) return earlier.found
  const batch = joinInputs(model.inputs, [inputs, inputs])
  let found: ModelRows | undefined
  if (batch && batch.padded.length === 0) {
    const [alone, twice] = [await engine.shapes(inputs), await engine.shapes(batch.stack())]
    if (!mixingNode(engine.program.graph, alone, twice)) found = { rows: batch.shares[0].count, alone, twice }
  }
  own.set(key, { found })
  return found
}

export const dimsKey = (inputs: Ready['inputs']): string =>
  [...inputs].map(([name, { type, dims }]) => `${name}:${type}[${dims}]`).join()
