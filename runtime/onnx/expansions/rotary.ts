import type { PlainNodes } from './plain-nodes.ts'

/** A rotary embedding's tables, and the positions of the tokens. */
export interface Rotary {
  /** `[max positions, half of the rotated dims]`. */
  readonly cos: string
  readonly sin: string
  /** `[batch, sequence]`; '' if the tables already have one row for each token, `[batch, sequence, half]`. */
  readonly positions: string
  readonly isInterleaved: boolean
  /** Half the number of rotated dims. Dims after the first 2 · half stay as they are. */
  readonly half: number
  /** Whether there may be dims after the rotated ones. */
  readonly isPartial: boolean
}

/**
 * Rotary position embedding (Su et al. 2021, arXiv:2104.09864): each pair of dims is rotated by its angle at the token's position. A pair is
 * (i, i + half), or two neighbours if interleaved. `x` is `[batch, sequence, heads, head size]`.
 */
export function rotate(plain: PlainNodes, x: string, rotary: Rotary, role: string): string {
  const { half, isInterleaved, isPartial } = rotary
  const angles = (table: string, name: string): string =>
    plain.unsqueeze(
      rotary.positions ? plain.add('Gather', [table, rotary.positions], { axis: 0 }, name) : table,
      [2],
      name,
    )
  const [cos, sin] = [angles(rotary.cos, 'cos'), angles(rotary.sin, 'sin')]
  const rotated = isPartial ? plain.slice(x, -1, 0, 2 * half, 1, `${role}_turned`) : x
  const part = (i: 0 | 1): string =>
    isInterleaved ? plain.slice(rotated, -1, i, undefined, 2) : plain.slice(rotated, -1, i * half, (i + 1) * half)
  const [a, b] = [part(0), part(1)]
  const times = (u: string, v: string): string => plain.add('Mul', [u, v])
  const first = plain.add('Sub', [times(a, cos), times(b, sin)])
  const second = plain.add('Add', [times(b, cos), times(a, sin)])
  const rest = isPartial ? [plain.slice(x, -1, 2 * half)] : []
  if (!isInterleaved) return plain.add('Concat', [first, second, ...rest], { axis: -1 }, role)
  const pairs = plain.add('Concat', [plain.unsqueeze(first, [-1]), plain.unsqueeze(second, [-1])], { axis: -1 })
  const interleaved = plain.reshape(pairs, [0, 0, 0, -1], rest.length > 0 ? undefined : role)
  return rest.length > 0 ? plain.add('Concat', [interleaved, ...rest], { axis: -1 }, role) : interleaved
}
