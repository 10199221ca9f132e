import type { Lens, LensRows, Prediction, Token } from '../../protocol/api.ts'

/** A token’s share: as the model is, as the edit changes it. One of them where nothing is compared. */
export interface Shares {
  readonly token: Token
  readonly unedited?: number
  readonly edited: number
}

/** A place of the lens: a layer and a position. */
export interface LensCell {
  /** The likeliest token; of a comparison the edited run’s. */
  readonly best: Prediction
  /** Of a comparison. */
  readonly before?: Prediction
  /** Whether the likeliest token is another one. */
  readonly isChanged: boolean
  /** All tokens that are told, the likeliest first. */
  readonly all: readonly Shares[]
}

export interface LensRow {
  readonly name: string
  readonly cells: readonly LensCell[]
}

/** The lens by rows, the model’s own last. */
export function rowsOf(lens: Lens): LensRow[] {
  const all = ({ top, own }: LensRows) => [...top, own]
  const before = lens.unedited && all(lens.unedited)
  return all(lens).map((row, i) => ({
    name: lens.layers[i] ?? 'model',
    cells: row.map((after, position) => cellOf(after, before?.[i][position])),
  }))
}

function cellOf(after: readonly Prediction[], before: readonly Prediction[] | undefined): LensCell {
  const [best] = after
  if (!before) return { best, isChanged: false, all: after.map(token => ({ token, edited: token.probability })) }
  const shares = new Map<number, Shares>()
  for (const token of after) shares.set(token.id, { token, unedited: token.other ?? 0, edited: token.probability })
  for (const token of before) shares.set(token.id, { token, unedited: token.probability, edited: token.other ?? 0 })
  const likeliest = ({ unedited = 0, edited }: Shares): number => Math.max(unedited, edited)
  return {
    best,
    before: before[0],
    isChanged: before[0].id !== best.id,
    all: [...shares.values()].sort((a, b) => likeliest(b) - likeliest(a)),
  }
}
