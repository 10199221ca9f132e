import type { GeneratedToken, GeneratePart, GenerateRequest, SentError } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import { useRequest } from '../use-request.ts'

/** What one side has generated so far. */
export interface Written {
  readonly text: string
  /** The tokens, once the side is complete. */
  readonly tokens?: readonly GeneratedToken[]
}

export interface Generated {
  readonly sides: Partial<Readonly<Record<GeneratePart['side'], Written>>>
  readonly error?: SentError
  readonly isRunning: boolean
}

const nothing: Generated = { sides: {}, isRunning: false }

/** Generates again whenever `key` changes, and returns the text so far. Without a key it does nothing. @param name the name of the API call */
export function useGenerated<R extends GenerateRequest>(
  client: Client,
  name: 'generate' | 'steer',
  request: R,
  key: string | undefined,
): Generated {
  return useRequest<Generated, GeneratePart>(client, name, request, key, nothing, {
    started: () => ({ sides: {}, isRunning: true }),
    part(before, { side, text = '', tokens }) {
      const written = { text: (before.sides[side]?.text ?? '') + text, ...(tokens ? { tokens } : {}) }
      return { ...before, sides: { ...before.sides, [side]: written } }
    },
    ended: before => ({ ...before, isRunning: false }),
    failed: (before, error) => ({ ...before, isRunning: false, error }),
  })
}
