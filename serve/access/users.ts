import { createHash } from 'node:crypto'
import type { JWTPayload, JWTVerifyGetKey } from 'jose'
import { RefusedError } from '../../runtime/errors/serve.ts'
import type { ServeOptions, User } from '../options.ts'
import { library } from '../server/libraries.ts'

/** Finds who asks, by the header `authorization`. @throws NotAllowedError */
export type FindUser = (authorization: string | undefined) => Promise<User>

export class NotAllowedError extends RefusedError {}

const hash = (token: string): string => createHash('sha256').update(token).digest('hex')

/** Tokens are compared by their hash, so that the time of a comparison tells nothing of them. */
export async function userFinder({ tokens, oidc }: Pick<ServeOptions, 'tokens' | 'oidc'>): Promise<FindUser> {
  const users = new Map(
    Object.entries(tokens ?? {}).map(([token, user]) => [
      hash(token),
      typeof user === 'string' ? { name: user } : user,
    ]),
  )
  const verify = oidc && (await oidcVerifier(oidc))
  if (users.size === 0 && !verify) return () => Promise.resolve({ name: 'anyone' })
  return async authorization => {
    const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined)
      throw new NotAllowedError(
        'This server needs a token.',
        'send the header authorization: Bearer TOKEN; new RemoteBackend(url, { token })',
      )
    const known = users.get(hash(token))
    if (known) return known
    const subject = await verify?.(token)
    if (subject !== undefined) return { name: subject }
    throw new NotAllowedError('The server does not know this token.', 'check it, and ask whoever runs the server')
  }
}

async function oidcVerifier({
  issuer,
  audience,
}: NonNullable<ServeOptions['oidc']>): Promise<(token: string) => Promise<string | undefined>> {
  const { createRemoteJWKSet, jwtVerify } = await library('jose', () => import('jose'), 'npm install jose')
  let keys: Promise<JWTVerifyGetKey> | undefined
  const discover = async (): Promise<JWTVerifyGetKey> => {
    const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const { jwks_uri: address } = (await response.json()) as { jwks_uri: string }
    return createRemoteJWKSet(new URL(address))
  }
  return async token => {
    let payload: JWTPayload
    try {
      keys ??= discover()
      payload = (await jwtVerify(token, await keys, { issuer, ...(audience === undefined ? {} : { audience }) }))
        .payload
    } catch (error) {
      // The issuer could not be reached: it is asked again with the next token.
      if (!(error instanceof Error && /^(JWT|JWS|JOSE)/.test(error.name))) keys = undefined
      return undefined
    }
    return payload.sub
  }
}
