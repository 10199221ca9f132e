import test, { type Implementation } from 'ava'
import { hasRedis } from './redis.ts'

/** Declares a test that needs a Redis. It is skipped, with the reason in its title, where there is no redis-server. */
export function withRedis(title: string, implementation: Implementation<[]>): void {
  if (hasRedis) test.serial(title, implementation)
  else test.serial.skip(`${title} (skipped: there is no redis-server)`, implementation)
}
