import { BatchAxisError } from '../../runtime/errors/invoke.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { Tensor } from '../../runtime/tensor/tensor.ts'
import { joinInputs } from '../../runtime/tracing/invokes/batch.ts'
import { BatchAxes, mixingOf } from '../../runtime/tracing/invokes/rows.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'
import { type Arrangement, asItIs } from '../arranging/arrangement.ts'
import type { NamedInputs, Side } from '../side.ts'

/** How the inputs of runs of one model become rows of a batch, and where the rows lie in the model's values. */
export class BatchRows {
  readonly #side: Side
  readonly #feeds = new Map<NamedInputs, ReadonlyMap<string, TensorData>>()
  /** Undefined if the rows of a batch depend on each other, or if the inputs can't be a batch. */
  readonly #axes: BatchAxes | undefined

  private constructor(side: Side, axes: BatchAxes | undefined) {
    this.#side = side
    this.#axes = axes
  }

  /** @param inputs those of one run: the dims of all values follow from theirs */
  static async of(side: Side, inputs: NamedInputs, arrangement: Arrangement): Promise<BatchRows> {
    const traced = asTraceable(side.model, 'compare')
    const feeds = traced.prepare(inputs)
    // If B gets its inputs in another arrangement, parts of values are compared, in which row 0 is A's.
    if (arrangement !== asItIs) return new BatchRows(side, undefined)
    const two = joinInputs(traced.inputs, [feeds, feeds])
    if (!two || two.batched.length === 0 || two.shares[0].count !== 1) return new BatchRows(side, undefined)
    const joined = two.stack()
    if (await mixingOf(side.engine, joined, two)) return new BatchRows(side, undefined)
    return new BatchRows(side, await BatchAxes.of(side.engine, joined, two))
  }

  /** Whether all runs have one row. */
  get isSingle(): boolean {
    return this.#axes === undefined
  }

  /** The inputs of these runs as rows of one run; undefined if they can't be joined. */
  inputs(rows: readonly NamedInputs[]): NamedInputs | undefined {
    const { inputs } = asTraceable(this.#side.model, 'compare')
    const batch = joinInputs(
      inputs,
      rows.map(row => this.#feedsOf(row)),
    )
    return batch && Object.fromEntries([...batch.stack()].map(([name, data]) => [name, Tensor.of(data)]))
  }

  #feedsOf(inputs: NamedInputs): ReadonlyMap<string, TensorData> {
    const known = this.#feeds.get(inputs) ?? asTraceable(this.#side.model, 'compare').prepare(inputs)
    this.#feeds.set(inputs, known)
    return known
  }

  /** The axis along which the rows of a value lie; undefined if all rows share the value, or if it can't be told which elements are whose. */
  axisOf(value: string): number | undefined {
    return this.#place(value)?.axis
  }

  /** Whether it can be told which elements of a value are whose. */
  canSplit(value: string): boolean {
    return this.#place(value) !== undefined
  }

  #place(value: string): { readonly axis: number | undefined } | undefined {
    try {
      return this.#axes && { axis: this.#axes.of(this.#side.taps.tensorTap(value)).batch }
    } catch (error) {
      if (error instanceof BatchAxisError) return undefined
      throw error
    }
  }
}
