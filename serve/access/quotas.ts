import type { RateLimiterMemory } from 'rate-limiter-flexible'
import { RefusedError } from '../../runtime/errors/serve.ts'
import type { Quotas, User } from '../options.ts'
import { library } from '../server/libraries.ts'

const KINDS = ['requests', 'tokens', 'bytes', 'seconds'] as const
type Kind = (typeof KINDS)[number]

export class QuotaError extends RefusedError {
  readonly retryAfter: number
  constructor(kind: Kind, most: number, per: number, retryAfter: number) {
    super(`You have used your ${most} ${kind} in ${per} seconds.`, `try again in ${retryAfter} seconds`)
    this.retryAfter = retryAfter
  }
}

/** Counts what each user takes. */
export class QuotaKeeper {
  readonly #defaults: Quotas
  readonly #limiters = new Map<string, RateLimiterMemory>()
  readonly #make: (points: number, duration: number) => RateLimiterMemory

  private constructor(defaults: Quotas, make: (points: number, duration: number) => RateLimiterMemory) {
    this.#defaults = defaults
    this.#make = make
  }

  static async of(defaults: Quotas = {}): Promise<QuotaKeeper> {
    const { RateLimiterMemory } = await library('rate-limiter-flexible', () => import('rate-limiter-flexible'))
    return new QuotaKeeper(defaults, (points, duration) => new RateLimiterMemory({ points, duration }))
  }

  /** Takes one request, and checks that something of each other quota is left. @throws QuotaError */
  async begin(user: User): Promise<void> {
    for (const kind of KINDS) {
      const { limiter, most, per } = this.#limiter(user, kind)
      if (!limiter) continue
      const used = await limiter.get(user.name)
      if (used && used.remainingPoints <= 0) throw new QuotaError(kind, most, per, Math.ceil(used.msBeforeNext / 1000))
    }
    await this.take(user, { requests: 1 })
  }

  /** Notes what a request took, which may be more than was left: then the next one is refused. */
  async take(user: User, used: Partial<Record<Kind, number>>): Promise<void> {
    for (const kind of KINDS) {
      const amount = used[kind]
      const { limiter } = this.#limiter(user, kind)
      if (limiter && amount) await limiter.penalty(user.name, amount)
    }
  }

  #limiter(user: User, kind: Kind): { limiter: RateLimiterMemory | undefined; most: number; per: number } {
    const { per = 3600, ...quotas } = { ...this.#defaults, ...user.quotas }
    const most = quotas[kind]
    if (most === undefined) return { limiter: undefined, most: 0, per }
    const key = `${kind} ${most} ${per}`
    let limiter = this.#limiters.get(key)
    if (!limiter) {
      limiter = this.#make(most, per)
      this.#limiters.set(key, limiter)
    }
    return { limiter, most, per }
  }
}
