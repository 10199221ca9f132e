import { createWriteStream, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { LoadOptions } from '../../runtime/index.ts'
import { type ServeOptions, serve } from '../../serve/index.ts'
import { UsageError } from '../shared/errors.ts'
import { print } from '../shared/print.ts'
import type { ServeFlags } from './flags.ts'

const MIB = 2 ** 20

/** Serves until the process is told to end. */
export async function runServe(models: readonly string[], flags: ServeFlags, load: LoadOptions): Promise<void> {
  const audit = flags.audit === undefined ? undefined : createWriteStream(flags.audit, { flags: 'a', mode: 0o600 })
  const options: ServeOptions = {
    load,
    ...(flags.port === undefined ? {} : { port: flags.port }),
    ...(flags.host === undefined ? {} : { host: flags.host }),
    ...(flags.tokens === undefined ? {} : { tokens: readTokens(flags.tokens) }),
    ...(flags.oidcIssuer === undefined
      ? {}
      : {
          oidc: {
            issuer: flags.oidcIssuer,
            ...(flags.oidcAudience === undefined ? {} : { audience: flags.oidcAudience }),
          },
        }),
    ...(flags.deny === undefined ? {} : { deny: flags.deny }),
    ...(flags.allowWeights ? { allowWeights: true } : {}),
    ...(flags.redis === undefined ? {} : { redis: flags.redis }),
    ...(flags.maxBatch === undefined ? {} : { maxBatch: flags.maxBatch }),
    ...(flags.memory === undefined ? {} : { memoryBytes: flags.memory * MIB }),
    ...(flags.timeout === undefined ? {} : { limits: { timeMs: flags.timeout * 1000 } }),
    ...(audit === undefined ? {} : { audit: entry => audit.write(`${JSON.stringify(entry)}\n`) }),
    ...(flags.log === false ? {} : { log: process.stderr }),
  }
  const server = await serve(namesOf(models), options)
  for (const name of server.models) print(`${server.url}/models/${name}`)
  const end = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  await end
  await server.close()
  audit?.end()
}

function namesOf(models: readonly string[]): Record<string, string> {
  const named: Record<string, string> = {}
  for (const text of models) {
    const [, given, path] = /^(?:([\w.-]+)=)?(.+)$/s.exec(text)!
    const name = given ?? basename(path).replace(/\.onnx$/, '')
    if (Object.hasOwn(named, name)) throw new UsageError(`Two models are named ${name}.`, `name them: first=${path}`)
    named[name] = path
  }
  return named
}

function readTokens(path: string): NonNullable<ServeOptions['tokens']> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as NonNullable<ServeOptions['tokens']>
  } catch (error) {
    throw new UsageError(
      `The tokens can’t be read from ${path}: ${error instanceof Error ? error.message : String(error)}`,
      'give a JSON file: {"TOKEN": "ada"}',
    )
  }
}
