import { causalMask } from './attention-core.ts'
import type { FusedNode, Refusal } from './expansion.ts'
import type { PlainNodes } from './plain-nodes.ts'

interface Masking {
  /** Int32: `[batch, keys]` or `[batch, query, keys]` of 0 and 1, or `[batch]` lengths; '' for none. */
  readonly mask: string
  /** `[batch, heads, tokens, head size]`. */
  readonly query: string
  readonly key: string
  readonly isCausal: boolean
  /** The number that is added to the score of a key that the query does not see. */
  readonly filter: number
}

/**
 * The value to add to the scores, which lowers those of keys that a query does not see, as in onnxruntime's attention operators; undefined if
 * a query sees all keys.
 */
export function maskBias(plain: PlainNodes, node: FusedNode, masking: Masking): string | undefined | Refusal {
  const { mask, query, key, isCausal, filter } = masking
  const seen: string[] = []
  if (mask) {
    const rank = node.rankOf(mask)
    if (rank === undefined || rank > 3)
      return { refused: `a mask of ${rank ? `rank ${rank}` : 'a rank that is not known'}` }
    if (rank === 1) {
      const dims = node.dimsOf(mask)
      if (typeof dims?.[0] === 'string' && /[*+]/.test(dims[0])) return { refused: 'a mask of starts and ends' }
      const slots = plain.unsqueeze(plain.range(plain.sizeOf(key, 2)), [0])
      const isThere = plain.add('Less', [slots, plain.reshape(plain.castTo(mask, 'INT64'), [-1, 1])])
      seen.push(plain.unsqueeze(isThere, [1, 2]))
    } else {
      const isThere = plain.castTo(mask, 'BOOL')
      seen.push(plain.unsqueeze(isThere, rank === 2 ? [1, 2] : [1], 'mask_padding'))
    }
  }
  if (isCausal) {
    seen.push(plain.unsqueeze(causalMask(plain, query, key), [0, 1], 'mask_causal'))
  }
  // The scores of a key that is hidden for both reasons are lowered twice. This makes a difference in rows in which every key is hidden.
  const added = seen.map(mask => plain.add('Where', [mask, plain.number(0), plain.number(filter)], {}, 'mask'))
  return added.length === 2 ? plain.add('Add', added, {}, 'mask') : added[0]
}
