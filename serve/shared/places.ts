import type { Place } from '../queue/fair-queue.ts'
import type { ServedModel } from '../server/served-model.ts'
import type { SharedRedis } from './redis.ts'

/** A request that waits: whose, for which model, and where. */
export interface SharedPlace extends Place {
  readonly model: string
}

type Places = Readonly<Record<string, readonly SharedPlace[]>>

/** How often a server tells the others who waits, and how long that is believed. */
const TELL_MS = 250
const BELIEVED_MS = 2000

/** Who waits, at this server and at those with which it shares a Redis. */
export class WaitingPlaces {
  readonly #models: ReadonlyMap<string, ServedModel>
  readonly #shared: SharedRedis | undefined
  readonly #id = crypto.randomUUID()
  readonly #timer: NodeJS.Timeout | undefined
  #isTold = false

  constructor(models: ReadonlyMap<string, ServedModel>, shared: SharedRedis | undefined) {
    this.#models = models
    this.#shared = shared
    if (shared) this.#timer = setInterval(() => void this.#tell(shared).catch(() => undefined), TELL_MS).unref()
  }

  async of(user: string): Promise<readonly SharedPlace[]> {
    const others = this.#shared ? await this.#others(this.#shared).catch(() => []) : []
    return [this.#own(), ...others].flatMap(places => (Object.hasOwn(places, user) ? places[user] : []))
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #own(): Places {
    const places = new Map<string, SharedPlace[]>()
    for (const [model, { queue }] of this.#models)
      for (const { user, ...place } of queue.waiting())
        places.set(user, [...(places.get(user) ?? []), { model, ...place }])
    return Object.fromEntries(places)
  }

  async #tell({ client, key }: SharedRedis): Promise<void> {
    const own = this.#own()
    const isEmpty = Object.keys(own).length === 0
    if (isEmpty && !this.#isTold) return
    this.#isTold = !isEmpty
    const name = key(`waiting:${this.#id}`)
    if (isEmpty) await client.del(name)
    else
      await client
        .multi()
        .set(name, JSON.stringify(own), 'PX', BELIEVED_MS)
        .zadd(key('servers'), String(Date.now()), this.#id)
        .exec()
  }

  async #others({ client, key }: SharedRedis): Promise<readonly Places[]> {
    await client.zremrangebyscore(key('servers'), '0', String(Date.now() - 60_000))
    const ids = (await client.zrange(key('servers'), '0', '-1')).filter(id => id !== this.#id)
    if (ids.length === 0) return []
    const told = await client.mget(ids.map(id => key(`waiting:${id}`)))
    return told.flatMap(text => (text === null ? [] : [JSON.parse(text) as Places]))
  }
}
