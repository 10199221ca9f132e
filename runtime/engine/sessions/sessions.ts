import { afterRun } from './after-run.ts'
import type { Provider, Session, SessionModel } from './provider.ts'

export interface SessionRequest {
  readonly key: string
  readonly model: () => SessionModel
  readonly nodeCount: number
  readonly weightBytes: number
  /** Bytes of its own prepacked weights, which it does not share: a weight that a gradient reads too is packed in both directions. */
  readonly packedBytes: number
  /** Whether its weights must be prepacked before the first run. Other sessions are prepacked when they have run often. */
  readonly prepack: boolean
  readonly returnsMemory?: boolean
}

interface Entry {
  readonly key: string
  readonly session: Session
  readonly bytes: number
  prepacked: boolean
  /** Runs in progress. The session is released when there are none. */
  users: number
  runs: number
  evicted: boolean
  /** Whether it keeps no memory between its runs. */
  readonly isSaving: boolean
}

/** The state of a cache of sessions. */
export interface SessionCacheState {
  /** The number of sessions. */
  readonly sessions: number
  /** An estimate of onnxruntime's memory in bytes, without mapped weights. */
  readonly bytes: number
  /** Bytes above which the least recently used sessions are released. */
  readonly limit: number
}

/** Measured private memory of a session without prepacked weights: a fixed part, and a part for each node. */
const SESSION_BYTES = 400_000
const NODE_BYTES = 20_000
/** After so many runs it is worth the time to prepack a rebuilt block's weights. */
const PROMOTE_AFTER = 32
/** The same if sessions share the prepacked weights: a fifth of the time is enough for them, as no new memory is written. */
const PROMOTE_SHARED_AFTER = 6
/** With fewer bytes of weights prepacking gains nothing, and it changes rounding: the same trace would return other last bits. */
const PROMOTED_BYTES = 4 * 1024 * 1024

const promotedAfter = ({ weightBytes, packedBytes }: SessionRequest): number =>
  packedBytes < weightBytes / 4 ? PROMOTE_SHARED_AFTER : PROMOTE_AFTER

/** A cache of sessions for rebuilt blocks and recorded operations. Beyond its limit in bytes, the least recently used are released. */
export class SessionCache {
  readonly #provider: Provider
  readonly #limit: number
  readonly #entries = new Map<string, Entry>()
  readonly #creating = new Map<string, Promise<Entry>>()
  #bytes = 0
  #closed = false
  /** How many callers want new sessions to keep no memory between runs. */
  #savers = 0

  constructor(provider: Provider, limit: number) {
    this.#provider = provider
    this.#limit = limit
  }

  get state(): SessionCacheState {
    return { sessions: this.#entries.size, bytes: this.#bytes, limit: this.#limit }
  }

  /** Calls `use` with the session for the request. If the session was created for it, `created` is the time in milliseconds. */
  async use<R>(
    request: SessionRequest,
    use: (session: Session, created: number | undefined) => Promise<R>,
  ): Promise<R> {
    let created: number | undefined
    let entry = this.#entries.get(request.key)
    if (entry) {
      // Make it the most recently used.
      this.#entries.delete(request.key)
      this.#entries.set(request.key, entry)
    } else {
      const start = performance.now()
      entry = await this.#create(request, request.prepack)
      created = performance.now() - start
    }
    entry.users++
    try {
      return await use(entry.session, created)
    } finally {
      entry.users--
      entry.runs++
      if (entry.evicted && entry.users === 0) await entry.session.release()
      else if (entry.runs === promotedAfter(request) && !entry.prepacked && request.weightBytes >= PROMOTED_BYTES)
        afterRun(() => this.#promote(request, entry))
    }
  }

  /**
   * Until the returned function is called, new sessions keep no memory between their runs: for work that needs many sessions with large values,
   * each of which runs a few times. Those that there are then are released.
   */
  saveMemory(): () => Promise<void> {
    this.#savers++
    return async () => {
      this.#savers--
      for (const entry of [...this.#entries.values()]) if (entry.isSaving) await this.#drop(entry)
    }
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** Creates a session before its first use, with prepacked weights. Returns false if that would evict other prepacked sessions. */
  async prepare(request: SessionRequest): Promise<boolean> {
    const prepack = request.prepack || request.weightBytes >= PROMOTED_BYTES
    const bytes = this.#bytesOf(request, prepack)
    let packed = 0
    for (const entry of this.#entries.values()) if (entry.prepacked && entry.key !== request.key) packed += entry.bytes
    const isTooMuch = bytes > this.#limit / 2 || packed + bytes > this.#limit
    if (this.#closed || this.#provider.copiesWeights || isTooMuch) return false
    if (!this.has(request.key)) await this.#create(request, prepack)
    return true
  }

  async #create(request: SessionRequest, prepack: boolean): Promise<Entry> {
    const pending = this.#creating.get(request.key)
    if (pending) return pending
    const creating = this.#open(request, prepack)
    this.#creating.set(request.key, creating)
    try {
      return await creating
    } finally {
      this.#creating.delete(request.key)
    }
  }

  async #open(request: SessionRequest, prepack: boolean): Promise<Entry> {
    const isSaving = this.#savers > 0
    const session = await this.#provider.create(request.model(), {
      prepack,
      optimize: 'model',
      returnsMemory: isSaving || (request.returnsMemory ?? false),
    })
    const bytes = this.#bytesOf(request, prepack)
    const entry: Entry = {
      key: request.key,
      session,
      bytes,
      prepacked: prepack,
      users: 0,
      runs: 0,
      evicted: false,
      isSaving,
    }
    if (this.#closed) {
      await session.release()
      return entry
    }
    this.#entries.set(request.key, entry)
    this.#bytes += bytes
    await this.#shrink(entry)
    return entry
  }

  #bytesOf({ weightBytes, packedBytes, nodeCount }: SessionRequest, prepack: boolean): number {
    const copied = prepack ? packedBytes : this.#provider.copiesWeights ? weightBytes : 0
    return SESSION_BYTES + NODE_BYTES * nodeCount + copied
  }

  /** Replaces a session that is used often by one with prepacked weights. */
  async #promote(request: SessionRequest, entry: Entry): Promise<void> {
    const bytes = entry.bytes + request.packedBytes
    if (
      this.#closed ||
      this.#provider.copiesWeights ||
      bytes > this.#limit / 2 ||
      this.#entries.get(entry.key) !== entry
    )
      return
    await this.#drop(entry)
    await this.#open(request, true)
  }

  /**
   * Drops the least recently used sessions. The newest of those that fill half of the limit alone, such as that of a gradient through many
   * layers, is not counted: it would be dropped for the small sessions of its own trace, and created again in each run.
   */
  async #shrink(keep: Entry): Promise<void> {
    const isLarge = ({ bytes }: Entry): boolean => !this.#provider.copiesWeights && bytes > this.#limit / 2
    const large = isLarge(keep) ? keep : [...this.#entries.values()].findLast(isLarge)
    for (const entry of this.#entries.values()) {
      if (this.#bytes - (large?.bytes ?? 0) <= this.#limit) return
      if (entry !== keep && entry !== large) await this.#drop(entry)
    }
  }

  async #drop(entry: Entry): Promise<void> {
    if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key)
    this.#bytes -= entry.bytes
    entry.evicted = true
    if (entry.users === 0) await entry.session.release()
  }

  async release(): Promise<void> {
    this.#closed = true
    for (const entry of [...this.#entries.values()]) await this.#drop(entry)
  }
}
