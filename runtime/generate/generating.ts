import type { Generating } from './generated.ts'
import type { Generation } from './generation.ts'

/** Begins a generation, at once unless its prompts take time. Whatever goes wrong rejects what is given. */
export function generating(begin: () => Generation | Promise<Generation>): Generating<unknown, unknown> {
  let generation: Generation | undefined
  let starting: Promise<Generation> | undefined
  const result = (async () => {
    const begun = begin()
    if (begun instanceof Promise) starting = begun
    generation = begun instanceof Promise ? await begun : begun
    return generation.generate()
  })()
  async function* read(): AsyncGenerator<string, void, undefined> {
    // Who reads the stream gets the error there.
    result.catch(() => undefined)
    const begun = generation ?? (await starting)
    if (begun) yield* begun.readText()
    else await result
  }
  return Object.defineProperties(result, {
    textStream: { get: () => ({ [Symbol.asyncIterator]: read }) },
    soFar: { get: () => generation?.soFar },
  }) as Generating<unknown, unknown>
}
