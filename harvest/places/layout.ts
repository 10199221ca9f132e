import { HarvestError } from '../../runtime/errors/harvest.ts'
import type { Dims } from '../../runtime/graph/expression.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { positionsOf, type Taken } from './take.ts'

/** The numbers of documents and of tokens in a scan. */
export interface Size {
  readonly rows: number
  readonly tokens: number
}

/** How the rows of documents lie in a place's value. */
export interface Layout {
  /** The axis with an index for each document. */
  readonly rows: number
  /** The axis with an index for each token; undefined if there is none. */
  readonly tokens: number | undefined
  /** Whether both are one axis, document after document, as some exporters write it. */
  readonly isFlat: boolean
  /** The dims of one row. */
  readonly shape: readonly number[]
}

/**
 * Finds the axes of documents and of tokens by the dims that a value has in two scans of different sizes.
 * @throws HarvestError for a value without an axis of documents, or with more than one of tokens
 */
export function layoutOf(name: string, [small, large]: readonly Dims[], sizes: readonly Size[], taken: Taken): Layout {
  const [a, b] = sizes
  const axes = small.flatMap((dim, axis): { readonly axis: number; readonly kind: 'rows' | 'tokens' | 'both' }[] => {
    const then = large?.[axis]
    if (dim === undefined || then === undefined)
      throw new HarvestError(
        `${name} has a dim that is not known before the model runs: [${small.map(d => d ?? '?').join(', ')}].`,
        'choose another place',
      )
    if (dim === then) return []
    if (dim === a.rows && then === b.rows) return [{ axis, kind: 'rows' }]
    if (dim === a.tokens && then === b.tokens) return [{ axis, kind: 'tokens' }]
    if (dim === a.rows * a.tokens && then === b.rows * b.tokens) return [{ axis, kind: 'both' }]
    throw new HarvestError(
      `${name} has an axis that grows neither with the documents nor with their tokens: [${small.join(', ')}] for ${a.rows} documents of ${a.tokens} tokens.`,
      'choose another place',
    )
  })
  const of = (kind: string): number[] => axes.filter(one => one.kind === kind).map(({ axis }) => axis)
  const [rows, tokens, both] = [of('rows'), of('tokens'), of('both')]
  const shape = small.filter((_, axis) => !axes.some(one => one.axis === axis)) as number[]
  if (both.length === 1 && rows.length + tokens.length === 0)
    return { rows: both[0], tokens: both[0], isFlat: true, shape }
  if (rows.length !== 1 || both.length > 0)
    throw new HarvestError(
      `${name} has no axis with one index for each document: [${small.join(', ')}] for ${a.rows} documents.`,
      'choose another place: this value belongs to all documents of a batch',
    )
  if (taken.kind === 'whole' && tokens.length > 0)
    throw new HarvestError(
      `${name} is larger for longer documents, so that it can’t be stored as one row for each: [${small.join(', ')}].`,
      "take rows of one size: take: 'all', 'last' or 'mean'",
    )
  if (taken.kind !== 'whole' && tokens.length !== 1)
    throw new HarvestError(
      `${name} has ${tokens.length === 0 ? 'no axis' : `${tokens.length} axes`} with an index for each token: [${small.join(', ')}] for ${a.tokens} tokens.`,
      tokens.length === 0 ? "take the value as it is: take: 'whole'" : 'choose a place with one: a module’s output',
    )
  return { rows: rows[0], tokens: tokens[0], isFlat: false, shape }
}

/** The layout in a model without token ids: documents along the first axis, positions along the second. */
export function plainLayout(name: string, dims: Dims, taken: Taken): Layout {
  const rest = dims.slice(1)
  if (dims.length === 0 || rest.some(dim => dim === undefined))
    throw new HarvestError(`The dims of ${name} are not known before the model runs.`, 'choose another place')
  if (taken.kind === 'whole') return { rows: 0, tokens: undefined, isFlat: false, shape: rest as number[] }
  if (rest.length === 0)
    throw new HarvestError(
      `${name} has no second axis, along which positions could lie: [${dims.join(', ')}].`,
      "take the value as it is: take: 'whole'",
    )
  return { rows: 0, tokens: 1, isFlat: false, shape: rest.slice(1) as number[] }
}

/** The rows to store: `[documents, positions, …shape]`, or `[documents, …shape]` if a document gives one row. */
export function rowsOf(value: Tensor, layout: Layout, { rows, tokens }: Size, taken: Taken): Tensor {
  if (taken.kind === 'whole') return layout.rows === 0 ? value : value.permute(...front(value, [layout.rows]))
  const apart = layout.isFlat
    ? (layout.rows === 0 ? value : value.permute(...front(value, [layout.rows]))).reshape([
        rows,
        tokens,
        ...layout.shape,
      ])
    : layout.rows === 0 && layout.tokens === 1
      ? value
      : value.permute(...front(value, [layout.rows, layout.tokens!]))
  if (taken.kind === 'all') return apart
  if (taken.kind === 'mean') return apart.mean([1])
  if (taken.kind === 'max') return apart.amax([1])
  const positions = positionsOf(taken, tokens)
  return positions.length === 1 ? apart.narrow(1, positions[0], 1) : apart.indexSelect(1, positions)
}

function front(value: Tensor, first: readonly number[]): number[] {
  return [...first, ...value.dims.map((_, axis) => axis).filter(axis => !first.includes(axis))]
}
