import type {
  AttentionHeadRequest,
  AttributionMethod,
  Follow,
  ImportanceRequest,
  LensRequest,
  ModelDescription,
  OverviewRequest,
  Token,
  ViewRequest,
} from './api.ts'

/* The bodies of requests that both the page and the command that saves it make. */

/** How many positions are shown at once of the lens, and of values with very many numbers. */
export const MAX_POSITIONS = 48

/** The first of the positions that are shown at once with this one. */
export const firstShown = (position: number): number => Math.floor(position / MAX_POSITIONS) * MAX_POSITIONS

/** The position that is chosen at first: that of a mask, or the last one. */
export function firstToken(row: readonly Token[]): number {
  const mask = row.findIndex(({ text }) => text === '[MASK]' || text === '<mask>')
  return mask < 0 ? row.length - 1 : mask
}

/** A lens has the model's own predictions too. */
export const overviewBody = (
  { lens, logits }: ModelDescription,
  request: ViewRequest,
  position: number | undefined,
): OverviewRequest => ({
  ...request,
  ...('reason' in lens && logits !== undefined && position !== undefined ? { position } : {}),
})

export const lensBody = (request: ViewRequest, position: number, follow: Follow): LensRequest => ({
  ...request,
  from: firstShown(position),
  follow,
})

export const headBody = (
  request: ViewRequest,
  path: string,
  head: number,
  query: number | undefined,
): AttentionHeadRequest => ({ ...request, path, head, ...(query === undefined ? {} : { query }) })

export const importanceBody = (
  request: ViewRequest,
  method: AttributionMethod,
  follow: Follow,
  position: number | undefined,
): ImportanceRequest => ({ ...request, follow, method, ...(position === undefined ? {} : { position }) })
