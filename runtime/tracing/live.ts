import type { Info } from './info.ts'

/** Runs a block's text. Where it fails, the outer variables that it assigned in place are what they were. */
export async function keepingLive<R>(
  block: { readonly info: Info | undefined; finished: boolean },
  run: () => Promise<R>,
): Promise<R> {
  const { frame, live } = block.info ?? { frame: undefined, live: [] }
  const before = live.map(name => [name, frame?.get(name)] as const)
  try {
    return await run()
  } catch (error) {
    block.finished = true
    for (const [name, value] of before) frame?.set(name, value)
    throw error
  }
}
