import { TRACE_OPTIONS, type TraceOptions } from '../../runtime/tracing/tracer.ts'
import type { StudiedModel } from '../model/studied-model.ts'
import { lineOf, linesOf, logOf, type SweepLog, type SweepSource } from './sweep-log.ts'

/** Options of all sweeps, which are studies of many runs. */
export interface SweepOptions extends TraceOptions {
  /** Called after each step with an estimate of the seconds that the remaining steps take. Pass `progressLine()` or your own function. */
  readonly onProgress?: OnProgress
  /**
   * A file in which each step is kept when it is done. If the sweep is stopped, the same call continues it; with a longer list of layers or
   * strengths, only the new ones run.
   */
  readonly resume?: SweepSource
}

export type OnProgress = (done: number, total: number, secondsLeft: number) => void

export const SWEEP_OPTIONS = ['onProgress', 'resume', ...TRACE_OPTIONS] as const

/** The options of a sweep's traces. */
export const traceOptionsOf = ({ onProgress: _, resume: __, ...options }: SweepOptions): TraceOptions => options

/** The largest difference between a number and that of the same run before, relative to the number. */
const TOLERANCE = 1e-4

/** Runs the steps of a sweep. It reports progress, stops on a signal, and skips the steps that a file already has. */
export class Sweep<T> {
  readonly #studied: StudiedModel
  readonly #options: SweepOptions
  readonly #total: number
  readonly #log: SweepLog | undefined
  readonly #kept: ReadonlyMap<string, unknown>
  #done = 0
  /** The number of steps that this process computed, and the milliseconds that they took. */
  #computed = { steps: 0, time: 0 }

  private constructor(
    studied: StudiedModel,
    options: SweepOptions,
    total: number,
    log: SweepLog | undefined,
    kept: ReadonlyMap<string, unknown>,
  ) {
    this.#studied = studied
    this.#options = options
    this.#total = total
    this.#log = log
    this.#kept = kept
  }

  /**
   * Begins a sweep, or continues it.
   * @param what all that the steps' results depend on, beside the model. A file with the steps of another sweep is refused
   * @param total the number of steps
   * @throws StudyError for a file of another sweep
   */
  static async open<T>(
    studied: StudiedModel,
    options: SweepOptions,
    what: Readonly<Record<string, unknown>>,
    total: number,
  ): Promise<Sweep<T>> {
    const { resume } = options
    if (resume === undefined) return new Sweep(studied, options, total, undefined, new Map())
    const log = logOf(resume)
    const text = (await log.read()) ?? ''
    const head = { sweep: studied.study, version: 1, ...what }
    if (text === '') await log.append(lineOf(head))
    else if (!text.endsWith('\n')) await log.append('\n')
    const [first = text === '' ? head : undefined, ...lines] = linesOf(text)
    checkHead(studied, first, head, resume)
    const steps = lines as readonly { readonly step: string; readonly result: unknown }[]
    return new Sweep(studied, options, total, log, new Map(steps.map(({ step, result }) => [step, result])))
  }

  /** The result of a step, which the file has, or which is computed. Results are numbers, texts, and lists and objects of them. */
  async step(name: string, compute: () => Promise<T>): Promise<T> {
    const { signal, onProgress } = this.#options
    signal?.throwIfAborted()
    let result = this.#kept.get(name) as T
    if (!this.#kept.has(name)) {
      const start = performance.now()
      result = await compute()
      this.#computed = { steps: this.#computed.steps + 1, time: this.#computed.time + performance.now() - start }
      await this.#log?.append(lineOf({ step: name, result }))
    }
    this.#done++
    const { steps, time } = this.#computed
    const left = this.#total - this.#done
    onProgress?.(this.#done, this.#total, steps === 0 ? 0 : ((time / steps) * left) / 1000)
    return result
  }

  /** Checks that a number of the unedited run is the same as when the sweep began. @throws StudyError for another model */
  async check(name: string, value: number): Promise<void> {
    const before = this.#kept.get(name)
    if (before === undefined) return this.#log?.append(lineOf({ step: name, result: value }))
    if (Object.is(before, value) || Math.abs(Number(before) - value) <= TOLERANCE * (1 + Math.abs(value))) return
    throw this.#studied.error(
      `the ${name} is ${value}, and was ${String(before)} when the sweep began.`,
      'go on with the model that it began with, or name another file to resume',
    )
  }
}

/** @throws StudyError if the log is that of another sweep */
function checkHead(
  studied: StudiedModel,
  found: unknown,
  head: Readonly<Record<string, unknown>>,
  source: SweepSource,
) {
  const name = typeof source === 'string' ? source : 'the log'
  const fix = 'name another file to resume, or delete this one to begin anew'
  if (typeof found !== 'object' || found === null || !('sweep' in found))
    throw studied.error(`${name} has no steps of a sweep.`, fix)
  const other = Object.keys(head).find(key => lineOf((found as typeof head)[key]) !== lineOf(head[key]))
  if (other === undefined) return
  throw studied.error(`${name} has the steps of a sweep with another \`${other}\`.`, fix)
}
