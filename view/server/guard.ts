import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Refusal } from './refusal.ts'

/** The secret in the page's address. */
export const makeToken = (): string => randomBytes(24).toString('base64url')

/**
 * Checks a request and returns the path after the token. Pages of other sites can't guess the token, and if one of their host names leads to
 * this machine (DNS rebinding), their requests have another Host header.
 * @throws Refusal
 */
export function admitted({ headers, url = '/' }: IncomingMessage, token: string, port: number): string {
  const hosts = ['127.0.0.1', 'localhost'].map(name => `${name}:${port}`)
  if (!hosts.includes(headers.host ?? ''))
    throw new Refusal(
      403,
      'view-host',
      'This page answers to 127.0.0.1 and localhost alone.',
      'use the address that the command printed',
    )
  if (headers.origin !== undefined && !hosts.some(host => headers.origin === `http://${host}`))
    throw new Refusal(403, 'view-origin', 'Another site asked for this.', 'open the address that the command printed')
  const [, first = '', rest] = /^\/([^/?]*)(\/.*)?$/.exec(url.split('?')[0]) ?? []
  if (!isSame(first, token))
    throw new Refusal(
      403,
      'view-token',
      'The address lacks the secret that belongs to it.',
      'use the whole address that the command printed',
    )
  return rest ?? ''
}

function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)]
  return a.length === b.length && timingSafeEqual(a, b)
}
