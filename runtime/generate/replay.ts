import type { Engine } from '../engine/engine.ts'
import type { TraceReport } from '../engine/running/report.ts'
import type { Recording } from '../graph/expression.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import { allocate, type HeldType, isBigInt } from '../tensor/dtypes/dtype.ts'
import { stateOf, Tensor } from '../tensor/tensor.ts'
import type { Decoder } from './decoder.ts'
import type { Sequence } from './sequence.ts'

type Feeds = ReadonlyMap<string, TensorData>

/** A step that was traced: what it recorded, and what it was fed. */
export interface TracedStep {
  readonly engine: Engine
  readonly recording: Recording
  readonly inputs: Feeds
  /** The names of what the search recorded, and then the caches' outputs: in the recording's order. */
  readonly chosen: readonly string[]
  readonly caches: readonly string[]
}

/** The results of a step. */
export interface Replayed {
  readonly chosen: Readonly<Record<string, TensorData>>
  readonly caches: Readonly<Record<string, Tensor>>
  readonly report: TraceReport
}

/** Matches an input that depends on the number of tokens, and that is not made here for a step. */
const COUNTS = /^cache_position$/

/** Whether the steps of this model differ only in inputs that are made here. */
export const canReplay = ({ caches, inputNames }: Decoder): boolean =>
  caches.some(({ axis }) => axis !== undefined) && !inputNames.some(name => COUNTS.test(name))

/**
 * Runs the steps of a generation without a block: each is the same recording on other inputs, so nothing is recorded, checked or scanned
 * again.
 */
export class Replay {
  readonly #step: TracedStep
  readonly #decoder: Decoder
  #feeds: Feeds

  constructor(step: TracedStep, decoder: Decoder) {
    this.#step = step
    this.#decoder = decoder
    this.#feeds = step.inputs
  }

  async run(sequence: Sequence, signal: AbortSignal | undefined): Promise<Replayed> {
    const { engine, recording, chosen, caches } = this.#step
    this.#feeds = this.#next(sequence)
    const { wanted, report } = await engine.run({ recording, inputs: this.#feeds, inputsComeOnce: true, signal })
    return {
      chosen: Object.fromEntries(chosen.map((name, i) => [name, wanted[i]])),
      caches: Object.fromEntries(caches.map((name, i) => [name, Tensor.of(wanted[chosen.length + i])])),
      report,
    }
  }

  #next(sequence: Sequence): Feeds {
    const { ids, mask, positions } = this.#decoder
    const feeds = new Map(this.#feeds)
    const { type } = feeds.get(ids)!
    feeds.set(ids, column(type, sequence.latestTokens))
    if (mask) feeds.set(mask, longer(feeds.get(mask)!))
    if (positions) feeds.set(positions, advanced(feeds.get(positions)!))
    for (const [name, cache] of Object.entries(sequence.caches)) feeds.set(name, stateOf(cache as Tensor).data())
    return feeds
  }
}

type Numbers = Float32Array | BigInt64Array
const as = (type: HeldType, value: number): never => (isBigInt(type) ? BigInt(value) : value) as never

function column(type: HeldType, values: readonly number[]): TensorData {
  const data = allocate(type, values.length) as Numbers
  values.forEach((value, i) => {
    data[i] = as(type, value)
  })
  return { type, dims: [values.length, 1], data }
}

/** Adds a column of ones to a mask, for the new tokens. */
function longer({ type, dims: [rows, length], data }: TensorData): TensorData {
  const grown = allocate(type, rows * (length + 1)) as Float32Array
  for (let row = 0; row < rows; row++) {
    const at = row * (length + 1)
    grown.set((data as Float32Array).subarray(row * length, (row + 1) * length), at)
    grown[at + length] = as(type, 1)
  }
  return { type, dims: [rows, length + 1], data: grown }
}

function advanced({ type, dims, data }: TensorData): TensorData {
  const next = (data as Float32Array).slice() as Numbers
  for (let i = 0; i < next.length; i++) next[i] = as(type, Number(next[i]) + 1)
  return { type, dims, data: next }
}
