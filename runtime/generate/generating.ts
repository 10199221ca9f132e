import type { Generating } from './generated.ts'
import type { Generation } from './generation.ts'

/** Begins a generation. Whatever goes wrong rejects what is given. */
export function generating(begin: () => Generation): Generating<unknown, unknown> {
  let generation: Generation | undefined
  const result = (async () => {
    generation = begin()
    return generation.generate()
  })()
  async function* read(): AsyncGenerator<string, void, undefined> {
    // Who reads the stream gets the error there.
    result.catch(() => undefined)
    if (generation) yield* generation.readText()
    else await result
  }
  return Object.defineProperties(result, {
    textStream: { get: () => ({ [Symbol.asyncIterator]: read }) },
    soFar: { get: () => generation?.soFar },
  }) as Generating<unknown, unknown>
}
