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
 * Frees keys and values as soon as a later step has them in its own. Left to the garbage collector, they gather: it counts small objects, and
 * has to mark the whole heap again and again to find the few that hold megabytes (measured: in every fourth step, for a tenth of its time).
 */
export class SpentCaches {
  /** The memory that the steps have made. That of caches which the caller has passed is not freed. */
  readonly #made = new WeakSet<ArrayBuffer>()
  readonly #held = new WeakSet<ArrayBuffer>()

  ended({ fed, returned, next, held }: CacheStep): void {
    const [before, made, after] = [fed, returned, next].map(buffersOf)
    for (const buffer of held ? buffersIn(held) : [...before, ...made, ...after]) this.#held.add(buffer)
    for (const buffer of [...made, ...after]) if (!before.has(buffer)) this.#made.add(buffer)
    free([...before, ...made].filter(one => this.#made.has(one) && !this.#held.has(one) && !after.has(one)))
  }
}

const buffersOf = (caches: Caches): Set<ArrayBuffer> =>
  buffersIn(Object.values(caches).filter(cache => cache instanceof Tensor))

function buffersIn(tensors: Iterable<Tensor>): Set<ArrayBuffer> {
  const buffers = new Set<ArrayBuffer>()
  for (const tensor of tensors) {
    const { data } = stateOf(tensor).computed ?? {}
    if (ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer) buffers.add(data.buffer)
  }
  return buffers
}

/** ES2024 has `transfer`; Node 20 does not. */
type Transferring = ArrayBuffer & { transfer?(length: number): ArrayBuffer }

let closed: MessagePort | undefined

/** Frees the memory of arrays, which are empty from then on. */
function free(buffers: Transferring[]): void {
  if (buffers.length === 0) return
  if (buffers[0].transfer) for (const buffer of buffers) buffer.transfer!(0)
  else if (typeof MessageChannel !== 'undefined') {
    // A closed port takes what is transferred to it, and drops it.
    if (!closed) {
      closed = new MessageChannel().port1
      closed.close()
    }
    closed.postMessage(undefined, buffers)
  }
}
