import { freeMemory, memoryOf } from '../tensor/dtypes/free-memory.ts'
import { stateOf, Tensor } from '../tensor/tensor.ts'

type Caches = Readonly<Record<string, unknown>>

/** What one step has done with the caches. */
export interface CacheStep {
  /** What the step was fed, what it has returned, and what the next step gets. */
  readonly fed: Caches
  readonly returned: Caches
  readonly next: Caches
  /** The tensors that the step's block can hold on to; undefined if that is not known, so that all of the step's caches may be held. */
  readonly held: Iterable<Tensor> | undefined
}

/**
 * Frees keys and values as soon as a later step has them in its own. The garbage collector, which would find them later, took a tenth of each
 * step's time in measurements.
 */
export class SpentCaches {
  /** The memory that the steps have made. That of caches which the caller has passed is not freed. */
  readonly #made = new WeakSet<ArrayBuffer>()
  readonly #held = new WeakSet<ArrayBuffer>()

  ended({ fed, returned, next, held }: CacheStep): void {
    const [before, made, after] = [fed, returned, next].map(buffersOf)
    for (const buffer of held ? buffersIn(held) : [...before, ...made, ...after]) this.#held.add(buffer)
    for (const buffer of [...made, ...after]) if (!before.has(buffer)) this.#made.add(buffer)
    freeMemory([...before, ...made].filter(one => this.#made.has(one) && !this.#held.has(one) && !after.has(one)))
  }
}

const buffersOf = (caches: Caches): Set<ArrayBuffer> =>
  buffersIn(Object.values(caches).filter(cache => cache instanceof Tensor))

function buffersIn(tensors: Iterable<Tensor>): Set<ArrayBuffer> {
  const buffers = new Set<ArrayBuffer>()
  for (const tensor of tensors) {
    const { computed } = stateOf(tensor)
    const buffer = computed && memoryOf(computed)
    if (buffer) buffers.add(buffer)
  }
  return buffers
}
