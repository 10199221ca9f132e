import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Refusal } from './refusal.ts'

/**
 * Checks a request and returns the path after the token. A page of another site can't guess the token, and if its host name leads to
 * this machine (DNS rebinding), its requests have another Host header.
 * @throws Refusal for a request from another site, or without the token
 */
export function checkRequest({ headers, url = '/' }: IncomingMessage, token: string, port: number): string {
  const hosts = ['127.0.0.1', 'localhost'].map(name => `${name}:${port}`)
  if (!hosts.includes(headers.host ?? ''))
    throw new Refusal(
      403,
      'view-host',
      'This server answers only to the hosts 127.0.0.1 and localhost.',
      'use the address that the command printed',
    )
  if (headers.origin !== undefined && !hosts.some(host => headers.origin === `http://${host}`))
    throw new Refusal(
      403,
      'view-origin',
      'The request comes from another site.',
      'open the address that the command printed',
    )
  const [, first = '', rest] = /^\/([^/?]*)(\/.*)?$/.exec(url.split('?')[0]) ?? []
  if (!isSame(first, token))
    throw new Refusal(
      403,
      'view-token',
      'The address does not have the right secret.',
      'use the whole address that the command printed',
    )
  return rest ?? ''
}

function isSame(text: string, token: string): boolean {
  const [a, b] = [Buffer.from(text), Buffer.from(token)]
  return a.length === b.length && timingSafeEqual(a, b)
}
