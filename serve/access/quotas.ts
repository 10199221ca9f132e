import type { RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import { RefusedError } from '../../runtime/errors/serve.ts'
import type { Quotas, User } from '../options.ts'
import { library } from '../server/libraries.ts'
import type { SharedRedis } from '../shared/redis.ts'

const KINDS = ['requests', 'tokens', 'bytes', 'seconds'] as const
type Kind = (typeof KINDS)[number]

/** Counters hold whole numbers, so seconds are counted in milliseconds. */
const UNITS: Readonly<Record<Kind, number>> = { requests: 1, tokens: 1, bytes: 1, seconds: 1000 }

export class QuotaError extends RefusedError {
  readonly retryAfter: number
  constructor(kind: Kind, most: number, per: number, retryAfter: number) {
    super(`You have used your ${most} ${kind} in ${per} seconds.`, `try again in ${retryAfter} seconds`)
    this.retryAfter = retryAfter
  }
}

/** A counter of one kind, with some most in a span of time. */
type MakeLimiter = (kind: Kind, points: number, duration: number) => RateLimiterAbstract

/** Counts what each user takes. */
export class QuotaKeeper {
  readonly #defaults: Quotas
  readonly #limiters = new Map<string, RateLimiterAbstract>()
  readonly #make: MakeLimiter

  private constructor(defaults: Quotas, make: MakeLimiter) {
    this.#defaults = defaults
    this.#make = make
  }

  /** @param shared where several servers count together. While it is away, each counts by itself */
  static async of(defaults: Quotas = {}, shared?: SharedRedis): Promise<QuotaKeeper> {
    const load = () => import('rate-limiter-flexible')
    const { RateLimiterMemory, RateLimiterRedis } = await library('rate-limiter-flexible', load)
    return new QuotaKeeper(defaults, (kind, points, duration) => {
      const limits = { points, duration }
      if (!shared) return new RateLimiterMemory(limits)
      return new RateLimiterRedis({
        ...limits,
        storeClient: shared.client,
        keyPrefix: shared.key(`quota:${kind}:${duration}`),
        rejectIfRedisNotReady: true,
        insuranceLimiter: new RateLimiterMemory(limits),
      })
    })
  }

  /** Takes one request, and checks that something of each other quota is left. @throws QuotaError */
  async begin(user: User): Promise<void> {
    for (const kind of KINDS) {
      const { limiter, most, per } = this.#limiter(user, kind)
      if (!limiter) continue
      const used = await (kind === 'requests' ? takeOne(limiter, user) : left(limiter, user))
      if (used) throw new QuotaError(kind, most, per, Math.ceil(used.msBeforeNext / 1000))
    }
  }

  /** Notes what a request took, which may be more than was left: then the next one is refused. */
  async take(user: User, used: Partial<Record<Exclude<Kind, 'requests'>, number>>): Promise<void> {
    for (const [kind, amount] of Object.entries(used) as [Kind, number][]) {
      const { limiter } = this.#limiter(user, kind)
      const points = Math.ceil(amount * UNITS[kind])
      if (limiter && points > 0) await limiter.penalty(user.name, points)
    }
  }

  #limiter(user: User, kind: Kind): { limiter: RateLimiterAbstract | undefined; most: number; per: number } {
    const { per = 3600, ...quotas } = { ...this.#defaults, ...user.quotas }
    const most = quotas[kind]
    if (most === undefined) return { limiter: undefined, most: 0, per }
    const key = `${kind} ${most} ${per}`
    let limiter = this.#limiters.get(key)
    if (!limiter) {
      limiter = this.#make(kind, Math.round(most * UNITS[kind]), per)
      this.#limiters.set(key, limiter)
    }
    return { limiter, most, per }
  }
}

/** Takes one in the same step in which it is checked, as several servers may count at once. @returns what was used if none was left */
async function takeOne(limiter: RateLimiterAbstract, { name }: User): Promise<RateLimiterRes | undefined> {
  try {
    await limiter.consume(name)
    return undefined
  } catch (refused) {
    if (refused instanceof Error) throw refused
    return refused as RateLimiterRes
  }
}

async function left(limiter: RateLimiterAbstract, { name }: User): Promise<RateLimiterRes | undefined> {
  const used = await limiter.get(name)
  return used && used.remainingPoints <= 0 ? used : undefined
}
