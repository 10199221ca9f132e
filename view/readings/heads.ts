import type { Inputs, Tensor } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { resolvePath } from '../../runtime/names/resolve.ts'
import type { Heads, HeadsRequest } from '../protocol/api.ts'
import { headMapsOf, MAX_HEADS, sentMaps, weightMapsOf } from './map.ts'
import { headsOf, patternsIn } from './patterns.ts'
import { assertValidTemplate, type TraceTarget, traceWithTemplate } from './template-trace.ts'

/** How many patterns can be shown at once before there are too many heads; the first pattern is always shown. */
function countFitting(heads: readonly number[]): number {
  let sum = 0
  const end = heads.findIndex((count, i) => {
    sum += count
    return i > 0 && sum > MAX_HEADS
  })
  return end < 0 ? heads.length : end
}

/** Reads small maps of all attention patterns of a module, and their differences if runs are compared. */
export async function viewHeads(
  target: TraceTarget,
  inputs: Inputs,
  { path, template, batch = 0, isCompared }: HeadsRequest,
  tokens: number | undefined,
): Promise<Heads> {
  const read = (edit: string | undefined, unedited?: readonly Tensor[]) =>
    traceWithTemplate(target, inputs, edit, model => {
      const { binding } = handleOf(model)!
      const found = patternsIn(binding, resolvePath(binding.taps.tree.root, path), tokens)
      const sent = found.slice(0, countFitting(found.map(({ pattern }) => pattern.heads)))
      return {
        omitted: found.length - sent.length,
        patterns: sent.map(({ pattern, tensor }, i) => {
          const heads = headsOf(tensor, batch)
          const before = unedited?.[i]
          return {
            pattern,
            maps: edit === undefined ? weightMapsOf(heads) : headMapsOf(heads),
            differences: before && headMapsOf(heads.to('float32').sub(before.to('float32'))),
            whole: isCompared && !unedited ? heads : undefined,
          }
        }),
      }
    })
  if (isCompared) assertValidTemplate(template!)
  const unedited = isCompared ? (await read(undefined)).patterns.map(({ whole }) => whole!) : undefined
  const { patterns, omitted } = await read(template, unedited)
  return {
    omitted,
    patterns: patterns.map(({ pattern, maps, differences }) => ({
      ...pattern,
      maps: sentMaps(maps),
      ...(differences ? { differences: sentMaps(differences) } : {}),
    })),
  }
}
