import { useEffect, useRef, useState } from 'preact/hooks'
import type { GeneratedToken, GeneratePart, GenerateRequest, SentError } from '../../protocol/api.ts'
import { type Client, Superseded } from '../client.ts'
import { toSentError } from '../use-answer.ts'

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

/** Generates again whenever `key` changes, and returns what there is so far. Without a key it does nothing. */
export function useGenerated(client: Client, request: GenerateRequest, key: string | undefined): Generated {
  const [generated, setGenerated] = useState(nothing)
  const latest = useRef<string | undefined>(undefined)
  useEffect(() => {
    latest.current = key
    if (key === undefined) return setGenerated(nothing)
    const isLatest = (): boolean => latest.current === key
    setGenerated({ sides: {}, isRunning: true })
    const take = ({ side, text = '', tokens }: GeneratePart): void => {
      if (!isLatest()) return
      setGenerated(before => {
        const written = { text: (before.sides[side]?.text ?? '') + text, ...(tokens ? { tokens } : {}) }
        return { ...before, sides: { ...before.sides, [side]: written } }
      })
    }
    client
      .ask('generate', request, part => take(part as GeneratePart))
      .then(
        () => isLatest() && setGenerated(before => ({ ...before, isRunning: false })),
        (error: unknown) => {
          if (isLatest() && !(error instanceof Superseded))
            setGenerated(before => ({ ...before, isRunning: false, error: toSentError(error) }))
        },
      )
  }, [key])
  return generated
}
