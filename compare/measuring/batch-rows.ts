import { BatchAxisError } from '../../runtime/errors/invoke.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { Tensor } from '../../runtime/tensor/tensor.ts'
import { joinInputs } from '../../runtime/tracing/invokes/batch.ts'
import { BatchAxes, mixingOf } from '../../runtime/tracing/invokes/rows.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'
import { asItIs } from '../arranging/arrangement.ts'
import type { InputPair } from '../inputs.ts'
import type { NamedInputs, Side } from '../side.ts'

/** How the inputs of one run of A become equal rows of a batch, and where the rows lie in A's values. */
export class BatchRows {
  readonly #a: Side
  readonly #feeds: ReadonlyMap<string, TensorData>
  /** Undefined if the rows of a batch depend on each other, or if the inputs can't be a batch. */
  readonly #axes: BatchAxes | undefined

  private constructor(a: Side, feeds: ReadonlyMap<string, TensorData>, axes: BatchAxes | undefined) {
    this.#a = a
    this.#feeds = feeds
    this.#axes = axes
  }

  static async of(a: Side, { a: inputs, arrangement }: InputPair): Promise<BatchRows> {
    const traced = asTraceable(a.model, 'compare')
    const feeds = traced.prepare(inputs)
    // If B gets its inputs in another arrangement, parts of values are compared, in which row 0 is A's.
    if (arrangement !== asItIs) return new BatchRows(a, feeds, undefined)
    const two = joinInputs(traced.inputs, [feeds, feeds])
    if (!two || two.batched.length === 0 || two.shares[0].count !== 1) return new BatchRows(a, feeds, undefined)
    const joined = two.stack()
    if (await mixingOf(a.engine, joined, two)) return new BatchRows(a, feeds, undefined)
    return new BatchRows(a, feeds, await BatchAxes.of(a.engine, joined, two))
  }

  /** Whether all runs have one row. */
  get isSingle(): boolean {
    return this.#axes === undefined
  }

  /** The inputs as this number of rows. */
  inputs(count: number): NamedInputs {
    const { inputs } = asTraceable(this.#a.model, 'compare')
    const batch = joinInputs(inputs, Array(count).fill(this.#feeds))!
    return Object.fromEntries([...batch.stack()].map(([name, data]) => [name, Tensor.of(data)]))
  }

  /** The axis along which the rows of a value lie; undefined if all rows share the value, or if it can't be told which elements are whose. */
  axisOf(value: string): number | undefined {
    try {
      return this.#axes?.of(this.#a.taps.tensorTap(value)).batch
    } catch (error) {
      if (error instanceof BatchAxisError) return undefined
      throw error
    }
  }
}
