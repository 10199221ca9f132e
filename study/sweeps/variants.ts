import { where } from '../../runtime/tensor/functions.ts'
import { stateOf, Tensor } from '../../runtime/tensor/tensor.ts'
import { joinInputs } from '../../runtime/tracing/invokes/batch.ts'
import { mixingOf } from '../../runtime/tracing/invokes/rows.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'
import type { Prompts, StudiedModel } from '../model/studied-model.ts'
import type { Measuring } from './measuring.ts'
import type { Site } from './sites.ts'

/** The most tokens in one run. More rows make each token cheaper, until they no longer fit into the processor's caches. */
const TOKENS_AT_ONCE = 1024

/** The number of variants of a prompt that run as one batch: 1 if the rows of a batch depend on each other in this model. */
export const batchSize = (
  studied: StudiedModel,
  { alone: [inputs], ids }: Prompts,
  variants: number,
  chosen: number | undefined,
): Promise<number> => rowsAtOnce(studied, inputs, ids[0].length, variants, chosen)

/** The number of equal rows of these inputs that run as one batch. @param tokens the tokens of a row, or what costs as much as a token */
export async function rowsAtOnce(
  { model }: StudiedModel,
  inputs: Readonly<Record<string, Tensor>>,
  tokens: number,
  variants: number,
  chosen: number | undefined,
): Promise<number> {
  const most = Math.max(1, Math.min(variants, chosen ?? Math.floor(TOKENS_AT_ONCE / tokens), 64))
  if (most === 1) return 1
  const traced = asTraceable(model, 'a study')
  const feeds = new Map(Object.entries(inputs).map(([name, tensor]) => [name, stateOf(tensor).data()]))
  const batch = joinInputs(traced.inputs, [feeds])
  const { engine } = await traced.variant(feeds)
  // A model whose inputs have a fixed number of rows has no batches.
  if (!batch || batch.batched.length === 0) return 1
  return !(await mixingOf(engine, feeds, batch)) ? most : 1
}

/** The elements of a place that each variant replaces: 1 if it does, else 0. The dims broadcast to those of the place without its rows. */
export interface Masks {
  readonly dims: readonly number[]
  readonly each: readonly Uint8Array[]
}

/** One mask for each of these places along an axis; without places, one mask for all elements. */
export function masksAlong(dims: readonly number[], axis: number, places: readonly number[] | undefined): Masks {
  const size = dims.reduce((product, dim) => product * dim, 1)
  const inner = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1)
  const placeOf = (i: number): number => Math.floor(i / inner) % dims[axis]
  const each = (places ?? [undefined]).map(place =>
    Uint8Array.from({ length: size }, (_, i) => (place === undefined || placeOf(i) === place ? 1 : 0)),
  )
  return { dims, each }
}

/** One mask for each head of a layer, for a value `[row, token, head, width]`. */
export function masksOfHeads(heads: number): Masks {
  return masksAlong([1, heads, 1], 1, [...Array(heads).keys()])
}

/** Variants of the run of one prompt. Each of them replaces other elements of one place. */
export interface Variants {
  readonly prompts: Prompts
  readonly prompt: number
  /** The place, in the current trace. */
  readonly site: () => Site
  /** The value that replaces the elements. Its dims are those of the place with one row, or broadcast to these. */
  readonly replacement: Tensor
  readonly masks: Masks
  /** The logits of the clean run, for the metric. */
  readonly clean: Tensor | undefined
  /** The number of rows in one run. */
  readonly rows: number
}

/**
 * The metric of each variant. Variants run as rows of batches. All batches have the same inputs, so the values before the place are computed
 * only for the first batch, and kept.
 */
export async function measureVariants(measuring: Measuring, variants: Variants): Promise<number[]> {
  const { prompts, prompt, site, replacement, masks, clean, rows } = variants
  const measured: number[] = []
  for (let first = 0; first < masks.each.length; first += rows) {
    const some = masks.each.slice(first, first + rows)
    const mask = stacked(some, masks.dims, rows)
    const values = await measuring.trace(prompts, prompt, rows, () => {
      const place = site()
      const now = place.read()
      place.write(where(mask, replacement.to(now.type), now))
      return measuring.rows(prompts, prompt, clean)
    })
    measured.push(...(values.tolist() as number[]).slice(0, some.length))
  }
  return measured
}

/** Stacks masks as rows of a batch. Missing rows repeat the last mask, so that all batches have the same dims. */
export function stacked(masks: readonly Uint8Array[], dims: readonly number[], rows: number): Tensor {
  const [{ length }] = masks
  const data = new Uint8Array(rows * length)
  for (let row = 0; row < rows; row++) data.set(masks[Math.min(row, masks.length - 1)], row * length)
  return Tensor.of({ type: 'bool', dims: [rows, ...dims], data })
}
