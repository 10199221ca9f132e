import type { Inputs, Tensor } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { resolvePath } from '../../runtime/names/resolve.ts'
import type { Heads, HeadsRequest } from '../protocol/api.ts'
import { coarse, sentMaps } from './map.ts'
import { headsOf, patternsIn } from './patterns.ts'
import { assertReadable, recorded, type Traced } from './traced.ts'

/** Heads in one look, and cells of each, along an axis. */
const MOST_HEADS = 256
const CELLS = [32, 32] as const

/** How many patterns can be shown at once before there are too many heads; the first pattern always is. */
function fitting(heads: readonly number[]): number {
  let sum = 0
  const end = heads.findIndex((count, i) => {
    sum += count
    return i > 0 && sum > MOST_HEADS
  })
  return end < 0 ? heads.length : end
}

/** Reads small maps of all attention patterns of a module, and in a comparison their differences. */
export async function viewHeads(
  traced: Traced,
  inputs: Inputs,
  { path, template, batch = 0, isCompared }: HeadsRequest,
  tokens: number | undefined,
): Promise<Heads> {
  const read = (edit: string | undefined, unedited?: readonly Tensor[]) =>
    recorded(traced, inputs, edit, model => {
      const { binding } = handleOf(model)!
      const found = patternsIn(binding, resolvePath(binding.taps.tree.root, path), tokens)
      const kept = found.slice(0, fitting(found.map(({ pattern }) => pattern.heads)))
      return {
        left: found.length - kept.length,
        patterns: kept.map(({ pattern, tensor }, i) => {
          const own = headsOf(tensor, batch)
          const before = unedited?.[i]
          return {
            pattern,
            maps: coarse(own, CELLS),
            differences: before && coarse(own.to('float32').sub(before.to('float32')), CELLS),
            whole: isCompared && !unedited ? own : undefined,
          }
        }),
      }
    })
  if (isCompared) assertReadable(template!)
  const unedited = isCompared ? (await read(undefined)).patterns.map(({ whole }) => whole!) : undefined
  const { patterns, left } = await read(template, unedited)
  return {
    left,
    patterns: patterns.map(({ pattern, maps, differences }) => ({
      ...pattern,
      maps: sentMaps(maps),
      ...(differences ? { differences: sentMaps(differences) } : {}),
    })),
  }
}
