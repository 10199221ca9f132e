import type { Prompts, StudiedModel } from './studied-model.ts'

/** @throws StudyError if the clean and corrupted prompts do not form pairs */
export function checkPairs(studied: StudiedModel, clean: Prompts, corrupted: Prompts): void {
  const lengths = ({ ids, mask }: Prompts): number[] => ids.map((_, row) => mask[row].filter(Boolean).length)
  const [a, b] = [lengths(clean), lengths(corrupted)]
  if (String(a) === String(b)) return
  throw studied.error(
    `the clean prompts have ${a.join(', ')} tokens, and the corrupted ones ${b.join(', ')}.`,
    'write pairs of prompts with as many tokens each, so that each position has its counterpart',
  )
}
