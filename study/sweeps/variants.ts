import { where } from '../../runtime/tensor/functions.ts'
import { stateOf, Tensor } from '../../runtime/tensor/tensor.ts'
import { joinInputs } from '../../runtime/tracing/invokes/batch.ts'
import { mixingOf } from '../../runtime/tracing/invokes/rows.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'
import type { TraceOptions } from '../../runtime/tracing/tracer.ts'
import type { Metric, MetricContext } from '../metrics.ts'
import type { Prompts, StudiedModel } from '../model/studied-model.ts'
import { rowsOf } from './prompt-rows.ts'
import type { Site } from './sites.ts'

/** Tokens in one run: more rows make each token cheaper, until they no longer fit the processor's caches. */
const TOKENS_AT_ONCE = 1024

/** How many variants of a prompt run as one batch: one where the model lets the rows of a batch depend on each other. */
export async function batchSize(
  { model }: StudiedModel,
  { inputs, ids }: Prompts,
  variants: number,
  given: number | undefined,
): Promise<number> {
  const most = Math.max(1, Math.min(variants, given ?? Math.floor(TOKENS_AT_ONCE / ids[0].length), 64))
  if (most === 1) return 1
  const traced = asTraceable(model, 'a study')
  const feeds = new Map(Object.entries(inputs).map(([name, tensor]) => [name, stateOf(tensor).data()]))
  const batch = joinInputs(traced.inputs, [feeds])
  const { engine } = await traced.variant(feeds)
  return batch && !(await mixingOf(engine, feeds, batch)) ? most : 1
}

/** Changes of one place: each variant takes other elements of the replacement. */
export interface Variants {
  /** The prompts, and which of them runs. */
  readonly prompts: Prompts
  readonly prompt: number
  /** The place, in the current trace. */
  readonly site: () => Site
  /** What stands there instead: `[1, position, …]`, or what broadcasts to it. */
  readonly replacement: Tensor
  /** For each variant, which elements are replaced: 0 or 1, of `maskDims`, that broadcast to the place without its rows. */
  readonly masks: readonly Uint8Array[]
  readonly maskDims: readonly number[]
  readonly metric: Metric
  readonly context: MetricContext
  /** Rows of one run. */
  readonly rows: number
}

/**
 * The metric of each variant. Variants run as rows of one batch: all batches have the same inputs, so what lies before the place is
 * computed for the first of them alone, and kept.
 */
export async function measureVariants(
  studied: StudiedModel,
  { prompts, prompt, site, replacement, masks, maskDims, metric, context, rows }: Variants,
  options: TraceOptions,
): Promise<number[]> {
  const inputs = rowsOf(prompts, prompt, rows)
  const size = maskDims.reduce((product, dim) => product * dim, 1)
  const measured: number[] = []
  for (let first = 0; first < masks.length; first += rows) {
    const some = masks.slice(first, first + rows)
    const data = new Uint8Array(rows * size)
    // The last batch is filled up with its last variant, so that all have the same dims.
    for (let row = 0; row < rows; row++) data.set(some[Math.min(row, some.length - 1)], row * size)
    const mask = Tensor.of({ type: 'bool', dims: [rows, ...maskDims], data })
    const values = await studied.model.trace(inputs, options, () => {
      const place = site()
      const now = place.read()
      place.write(where(mask, replacement.to(now.type), now))
      return measuredRows(studied, metric, context)
    })
    measured.push(...(values.tolist() as number[]).slice(0, some.length))
  }
  return measured
}

/** The metric of every row, in the current trace. */
export function measuredRows(studied: StudiedModel, metric: Metric, context: MetricContext): Tensor {
  const logits = studied.read(studied.lens().logits).to('float32')
  const value = metric.measure(logits, context)
  if (value.rank !== 1)
    throw studied.error(
      `the metric ${metric.name} gives dims [${value.dims.join(', ')}], and must give one number for each row.`,
      'return a tensor of dims [rows]: logits.select(1, -1).select(-1, id)',
    )
  return value
}
