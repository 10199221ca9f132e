import type { Generating } from './generated.ts'
import type { Generation } from './generation.ts'

/** Begins a generation. Whatever goes wrong rejects the promise that is returned. */
export function generating(begin: () => Generation | Promise<Generation>): Generating<unknown, unknown> {
  let generation: Generation | undefined
  const begun = (async () => {
    const started = begin()
    generation = started instanceof Promise ? await started : started
    return generation
  })()
  // `result` is rejected with the same error, so it is not reported here.
  begun.catch(() => undefined)
  const result = begun.then(own => own.generate())
  async function* read(): AsyncGenerator<string, void, undefined> {
    // Whoever reads the stream gets the error there.
    result.catch(() => undefined)
    yield* (await begun).readText()
  }
  return Object.defineProperties(result, {
    textStream: { get: () => ({ [Symbol.asyncIterator]: read }) },
    soFar: { get: () => generation?.soFar },
  }) as Generating<unknown, unknown>
}
