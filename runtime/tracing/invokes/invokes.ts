import type { Engine } from '../../engine/engine.ts'
import { InvokeError } from '../../errors/invoke.ts'
import { type Recorder, recorderScope } from '../../graph/recorder.ts'
import { isPlain } from '../../tensor/arguments/plain-objects.ts'
import { Tensor } from '../../tensor/tensor.ts'
import { untilStop } from '../blocks/stop.ts'
import { CallScope } from '../scopes/call-scope.ts'
import type { Traceable } from '../traceable.ts'
import { type Batch, type Feeds, joinInputs } from './batch.ts'
import { BatchAxes, mixingOf, Rows } from './rows.ts'

/** An invoke as the block called it, for code that runs invokes in another way. */
export interface CalledInvoke {
  /** Undefined for an invoke that sees the whole batch. */
  readonly inputs: unknown
  readonly body: () => unknown
  readonly result: Invoked
}

interface Invoke extends CalledInvoke {
  /** The invoke's inputs; undefined for an invoke that sees the whole batch. */
  readonly feeds: Feeds | undefined
}

/** The result of invoke(). Awaiting it runs all invokes so far. */
export class Invoked implements PromiseLike<unknown> {
  readonly #run: () => Promise<void>
  readonly #scope = new CallScope()
  value: unknown

  constructor(run: () => Promise<void>) {
    this.#run = run
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise that begins its work when someone waits
  then<A = unknown, B = never>(
    done?: ((value: unknown) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#run()
      .then(() => {
        // A plain function continues right after this. Without async context, its trace must be made current here.
        this.#scope.reenter()
        return this.value
      })
      .then(done, failed)
  }
}

/** The trace that the invokes stand in. */
export interface InvokesOwner extends Recorder {
  readonly model: Traceable
  /** Whether the trace's invokes bring the inputs. */
  readonly awaitsInvokes: boolean
  /** Whether the trace itself runs a batch of invokes. */
  readonly isBatch: boolean
  /** Runs the invokes of the block. Without it, they run in batches of their own. */
  readonly runInvokes: ((invokes: readonly CalledInvoke[]) => Promise<void>) | undefined
  /** Makes a trace on these inputs that runs invokes of this one as one batch. */
  newBatch(inputs: unknown): BatchTrace
}

/** The trace that runs invokes as one batch. */
interface BatchTrace {
  readonly engine: Engine
  readonly inputs: Feeds
  run(model: Traceable, body: () => unknown): Promise<unknown>
  enterRows(rows: Rows | undefined): void
  recordEdits(): Promise<void>
  resume(): void
}

/** The invokes of one trace. They are collected while its block runs, and then run in batches, in order. */
export class Invokes {
  readonly #outer: InvokesOwner
  #pending: Invoke[] = []
  #running: Promise<void> = Promise.resolve()
  #inBatch = false
  #any = false

  constructor(outer: InvokesOwner) {
    this.#outer = outer
  }

  get any(): boolean {
    return this.#any
  }

  add(inputs: unknown, body: () => unknown): Invoked {
    const { model } = this.#outer
    if (this.#inBatch || this.#outer.isBatch)
      throw new InvokeError(
        'invoke() was called in the block of another invoke.',
        'call the invokes one after the other',
      )
    if (!this.#outer.awaitsInvokes)
      throw new InvokeError(
        'Pass inputs either to trace() or to invoke(), not to both.',
        'write trace(model, () => { invoke(inputs, () => …) })',
      )
    if (inputs === undefined && this.#pending.length === 0)
      throw new InvokeError(
        'invoke() was given no inputs, and there is no invoke with inputs before it.',
        'write invoke(inputs, () => …)',
      )
    const isOwn = inputs === undefined || this.#outer.runInvokes
    const feeds = isOwn ? undefined : model.prepare(inputs)
    const result = new Invoked(() => this.flush())
    this.#any = true
    this.#pending.push({ feeds, inputs, body, result })
    return result
  }

  /** Runs the invokes that are pending. */
  flush(): Promise<void> {
    const invokes = this.#pending
    this.#pending = []
    this.#running = this.#running.then(async () => {
      const { runInvokes } = this.#outer
      if (runInvokes) return runInvokes(invokes)
      for (const joined of batches(this.#outer, invokes))
        for (const { batch, members } of await apartWhereMixed(this.#outer, joined)) await this.#run(batch, members)
    })
    return this.#running
  }

  async #run(batch: Batch, members: readonly Invoke[]): Promise<void> {
    const outer = this.#outer
    const inputs = Object.fromEntries([...batch.stack()].map(([name, data]) => [name, Tensor.of(data)]))
    this.#inBatch = true
    try {
      await recorderScope().run(outer, async () => {
        const trace = outer.newBatch(inputs)
        const results = await trace.run(outer.model, () => record(trace, batch, members))
        for (const [i, { result }] of members.entries()) result.value = (results as unknown[])[i]
      })
    } finally {
      this.#inBatch = false
    }
  }
}

/** Records the invokes of one batch, each in its own rows. */
async function record(trace: BatchTrace, batch: Batch, members: readonly Invoke[]): Promise<unknown[]> {
  const isAlone = batch.shares.length === 1
  const axes = isAlone ? undefined : await BatchAxes.of(trace.engine, trace.inputs, batch)
  const results: unknown[] = []
  let next = 0
  for (const { feeds, body } of members) {
    const rows = feeds && axes ? new Rows(batch.shares[next], axes) : undefined
    if (feeds) next++
    trace.enterRows(rows)
    if (feeds) await trace.recordEdits()
    trace.resume()
    results.push(await untilStop(body))
    trace.resume()
  }
  trace.enterRows(undefined)
  return results
}

/** Invokes that run as one batch. */
interface JoinedInvokes {
  batch: Batch
  readonly members: Invoke[]
}

/**
 * Groups the invokes into batches: neighbours are joined if their inputs can be, and an invoke without inputs belongs to the batch before
 * it.
 */
function batches(outer: InvokesOwner, invokes: readonly Invoke[]): JoinedInvokes[] {
  const groups: JoinedInvokes[] = []
  for (const invoke of invokes) {
    const last = groups.at(-1)
    if (!invoke.feeds) {
      last?.members.push(invoke)
      continue
    }
    const { inputs } = outer.model
    const before = last?.members.flatMap(({ feeds }) => (feeds ? [feeds] : [])) ?? []
    const joined = last && joinInputs(inputs, [...before, invoke.feeds])
    if (last && joined) {
      last.batch = joined
      last.members.push(invoke)
    } else groups.push({ batch: joinInputs(inputs, [invoke.feeds])!, members: [invoke] })
  }
  return groups
}

/** Puts each prompt into a batch of its own if the model lets the values of one depend on the others. */
async function apartWhereMixed(outer: InvokesOwner, together: JoinedInvokes): Promise<JoinedInvokes[]> {
  const { batch, members } = together
  if (batch.shares.length === 1) return [together]
  const inputs = batch.stack()
  const { engine } = await outer.model.variant(inputs)
  const mixing = await mixingOf(engine, inputs, batch)
  if (!mixing) return [together]
  if (members.some(({ feeds }) => !feeds))
    throw new InvokeError(
      `In this model the rows of a batch affect each other, because ${mixing.name} (${mixing.opType}) computes over all rows. So prompts run one by one, and an invoke without inputs has no batch to see.`,
      'pass the prompts as rows of one invoke to compute them together',
    )
  return members.map(member => ({ batch: joinInputs(outer.model.inputs, [member.feeds!])!, members: [member] }))
}

/** Any result. The `[]` lets TypeScript infer `[a, b]` as a pair, for which `const R` needs TypeScript 5.0. */
// biome-ignore lint/suspicious/noConfusingVoidType: a block may end without a result
export type BlockResult = [] | NonNullable<unknown> | null | undefined | void

/** A block's result as it is returned, with the results of its invokes in their place. */
export type Settled<R> = R extends readonly unknown[]
  ? { -readonly [K in keyof R]: R[K] extends PromiseLike<infer V> ? V : R[K] }
  : R

/** Returns a block's result with the results of its invokes in their place. */
export function resultOfInvokes(result: unknown): unknown {
  if (result instanceof Invoked) return result.value
  if (Array.isArray(result))
    return result.some(item => resultOfInvokes(item) !== item) ? result.map(resultOfInvokes) : result
  if (typeof result !== 'object' || result === null || !isPlain(result)) return result
  const entries = Object.entries(result).map(([name, item]) => [name, resultOfInvokes(item)] as const)
  return entries.some(([name, item]) => item !== (result as Record<string, unknown>)[name])
    ? Object.fromEntries(entries)
    : result
}
