import type { Followed, Lens, LensRows, Prediction, Token } from '../../protocol/api.ts'

/** The probability of a token in the unedited and in the edited run. Without a comparison there is only `edited`. */
export interface Shares {
  readonly token: Token
  readonly unedited?: number
  readonly edited: number
}

/** A cell of the lens: one layer and one position. */
export interface LensCell {
  /** The likeliest token; in a comparison that of the edited run. */
  readonly best: Prediction
  /** In a comparison: the likeliest token of the unedited run. */
  readonly before?: Prediction
  /** The token that is followed, and its rank and probability here. */
  readonly target: Token
  readonly followed: Followed
  /** Whether the edit changes the likeliest token. */
  readonly isChanged: boolean
  /** All tokens that were sent, the likeliest first. */
  readonly all: readonly Shares[]
}

export interface LensRow {
  readonly name: string
  readonly cells: readonly LensCell[]
}

/** The rows of the lens: the layers, then the model itself. */
export function rowsOf(lens: Lens): LensRow[] {
  const all = ({ top, own }: LensRows) => [...top, own]
  const before = lens.unedited && all(lens.unedited)
  return all(lens).map((row, i) => ({
    name: lens.layers[i] ?? 'model',
    cells: row.map((after, position) => ({
      target: lens.targets[position],
      followed: lens.followed[i][position],
      ...cellOf(after, before?.[i][position]),
    })),
  }))
}

/** The tokens that are likely in one of two runs, with both probabilities. */
export function cellOf(
  after: readonly Prediction[],
  before: readonly Prediction[] | undefined,
): Omit<LensCell, 'target' | 'followed'> {
  const [best] = after
  if (!before) return { best, isChanged: false, all: after.map(token => ({ token, edited: token.probability })) }
  const shares = new Map<number, Shares>()
  for (const token of after)
    shares.set(token.id, { token, unedited: token.otherProbability ?? 0, edited: token.probability })
  for (const token of before)
    shares.set(token.id, { token, unedited: token.probability, edited: token.otherProbability ?? 0 })
  const likeliest = ({ unedited = 0, edited }: Shares): number => Math.max(unedited, edited)
  return {
    best,
    before: before[0],
    isChanged: before[0].id !== best.id,
    all: [...shares.values()].sort((a, b) => likeliest(b) - likeliest(a)),
  }
}

/** The names of a change and of the runs before and after it. */
export interface SideNames {
  readonly change: string
  readonly before: string
  readonly after: string
}
