import { InvokeError } from '../errors/invoke.ts'
import type { CalledInvoke } from '../tracing/invokes/invokes.ts'
import { BatchAxes, mixingOf, Rows } from '../tracing/invokes/rows.ts'
import type { RunningTrace } from '../tracing/running-trace.ts'
import type { Decoder } from './decoder.ts'
import { idsOfPrompt } from './prompts.ts'
import type { Sequence } from './sequence.ts'

/** The invokes of a generation's block: in every step each sees the rows of its own prompts, without their padding. */
export class InvokedRows {
  readonly #decoder: Decoder
  /** How many prompts each invoke has brought; undefined for one that sees the whole batch. */
  readonly #counts: readonly (number | undefined)[]
  /** The axes in steps after the first: these all have the same ones. */
  #laterAxes: BatchAxes | undefined
  /** All prompts, one after another. */
  readonly prompts: readonly (readonly number[])[]

  /** @param withIds puts ids in the place of the inputs' texts */
  constructor(decoder: Decoder, invokes: readonly CalledInvoke[], withIds: (inputs: unknown) => unknown) {
    this.#decoder = decoder
    const prompts = invokes.map(({ inputs }) =>
      inputs === undefined ? undefined : idsOfPrompt(decoder, withIds(inputs)),
    )
    this.#counts = prompts.map(rows => rows?.length)
    this.prompts = prompts.flatMap(rows => rows ?? [])
  }

  /** @throws InvokeError if a step calls other invokes than the first one did */
  assertSame(invokes: readonly CalledInvoke[]): void {
    const isSame = invokes.length === this.#counts.length
    if (isSame && invokes.every(({ inputs }, i) => (inputs === undefined) === (this.#counts[i] === undefined))) return
    throw new InvokeError(
      `The first step called ${this.#counts.length} invokes, and a later one ${invokes.length}.`,
      'call the same invokes in every step: what differs between steps goes into their blocks',
    )
  }

  /** The rows of each invoke in this step; undefined for those that see the whole batch. */
  async of(trace: RunningTrace, sequence: Sequence, rowsPerPrompt: number): Promise<(Rows | undefined)[]> {
    const prompted = this.#counts.filter(count => count !== undefined)
    if (prompted.length === 1) return this.#counts.map(() => undefined)
    const { engine, inputs } = trace
    const isFirst = sequence.histories[0].added.length === 0
    const padding = sequence.padding
    if (!isFirst) this.#laterAxes ??= await this.#axes(trace, sequence, false)
    const axes = isFirst ? await this.#axes(trace, sequence, true) : this.#laterAxes!
    if (isFirst) await assertApart(engine, inputs, this.#batched(inputs.keys()))
    let prompt = 0
    return this.#counts.map(count => {
      if (count === undefined) return undefined
      const start = prompt * rowsPerPrompt
      // The prompts of one invoke may differ in length. The invoke does not see the columns that are padding in all its rows.
      const skip = Math.min(...padding.slice(start, start + count * rowsPerPrompt))
      prompt += count
      return new Rows({ start, count: count * rowsPerPrompt, length: undefined, skip }, axes)
    })
  }

  #axes({ engine, inputs }: RunningTrace, sequence: Sequence, isFirst: boolean): Promise<BatchAxes> {
    const { ids, mask, positions, growing } = this.#decoder
    const isPadded = sequence.padding.some(columns => columns > 0)
    const ofPrompts = [ids, mask, positions].flatMap(name => (name ? [[name, 1] as const] : []))
    const axes = isFirst ? new Map(ofPrompts) : growing
    const length = inputs.get(mask ?? ids)!.dims[1]
    return BatchAxes.ofStep(
      engine,
      inputs,
      sequence.rows,
      this.#batched(inputs.keys()),
      isPadded ? { axes, length } : undefined,
    )
  }

  /** The inputs that have a row for each sequence. @throws InvokeError for keys and values whose rows do not lie along their first axis */
  #batched(names: Iterable<string>): string[] {
    return [...names].filter(name => {
      const axis = this.#decoder.batchAxis(name)
      if (axis !== undefined && axis > 0)
        throw new InvokeError(
          `The rows of ${name} lie along its axis ${axis}, so that they can’t be given to invokes one by one.`,
          'generate from each prompt in a call of its own',
        )
      return axis === 0
    })
  }
}

async function assertApart(
  engine: RunningTrace['engine'],
  inputs: RunningTrace['inputs'],
  batched: readonly string[],
): Promise<void> {
  const mixing = await mixingOf(engine, inputs, { batched, padded: [], shares: [], stack: () => inputs })
  if (!mixing) return
  throw new InvokeError(
    `In this model the rows of a batch affect each other, because ${mixing.name} (${mixing.opType}) computes over all rows.`,
    'generate from each prompt in a call of its own',
  )
}
