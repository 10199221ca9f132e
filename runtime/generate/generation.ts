import type { TraceReport } from '../engine/running/report.ts'
import { GenerateError, StepError } from '../errors/generate.ts'
import { InvokeError } from '../errors/invoke.ts'
import type { Mark, Recording } from '../graph/expression.ts'
import { recorderScope } from '../graph/recorder.ts'
import type { Language } from '../language-inputs/language.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import { stateOf, Tensor } from '../tensor/tensor.ts'
import type { Block, StepOwner } from '../tracing/blocks/block.ts'
import type { Info } from '../tracing/blocks/info.ts'
import { untilStop } from '../tracing/blocks/stop.ts'
import type { CalledInvoke } from '../tracing/invokes/invokes.ts'
import type { RunningTrace } from '../tracing/running-trace.ts'
import { reportListeners } from '../tracing/scopes/report-listeners.ts'
import { RunningSession } from '../tracing/session.ts'
import type { Traceable } from '../tracing/traceable.ts'
import { ExecutionBackend, newTrace } from '../tracing/tracer.ts'
import { collectTensors } from '../tracing/values/collect-tensors.ts'
import type { Decoder } from './decoder.ts'
import { anySeed } from './draw.ts'
import { GatheredCalls } from './gathered.ts'
import { type Generated, noteSoFar, type SoFar, soFarOf } from './generated.ts'
import { GrowingShapes } from './growing-shapes.ts'
import { InvokedRows } from './invoked-rows.ts'
import { GenerationCache, goOnFrom } from './kept-cache.ts'
import type { GenerateOptions } from './options.ts'
import { type Prompts, promptRows } from './prompts.ts'
import { canReplay, Replay } from './replay.ts'
import { assertRoom, warnBeyondContext } from './room.ts'
import type { Found, Search } from './search.ts'
import { searchOf } from './search-of.ts'
import type { Steps } from './selection.ts'
import { Sequence } from './sequence.ts'
import { paddingOf, type Settings, settingsOf } from './settings.ts'
import { SpentCaches } from './spent-caches.ts'
import { SteppedBlock } from './stepped-block.ts'
import { TextStream } from './text-stream.ts'

export interface GenerateRequest {
  readonly model: unknown
  readonly target: Traceable
  readonly decoder: Decoder
  readonly inputs: unknown
  readonly options: GenerateOptions
  readonly block: Block | undefined
  /** The model's tokenizer, and what its files say about texts; undefined if it has no tokenizer. */
  readonly language: Language | undefined
  /** Whether the caller gave a single text or chat, and no number of sequences. Then the result has a text, and no list. */
  readonly isSingle: boolean
  /** Puts ids in the place of the inputs' texts. */
  readonly withIds: (inputs: unknown) => unknown
  /** The output of this name, in the trace of the step that is being recorded. */
  readonly output: (name: string) => Tensor
}

interface Outcome {
  /** Undefined while the block waits in next(). */
  readonly ended: { readonly value: unknown } | undefined
  /** The computed values of what the search has recorded. */
  readonly chosen: Readonly<Record<string, TensorData>>
  readonly caches: Readonly<Record<string, Tensor>>
  /** The tensors that the block can hold on to; undefined if that is not known. */
  readonly held: Iterable<Tensor> | undefined
}

/** The parts of a generation that exist once the prompts are known. */
interface Begun {
  readonly settings: Settings
  readonly seed: number | undefined
  readonly search: Search
  readonly sequence: Sequence
  readonly shapes: GrowingShapes
  readonly stream: TextStream
}

/** The tensors that generate() itself has recorded in a step's trace. */
interface RecordedStep {
  readonly chosen: Readonly<Record<string, Tensor>>
  readonly caches: Readonly<Record<string, Tensor>>
}

/**
 * Runs a model again and again, each time on the tokens that were chosen in the step before. Every step is a trace, in which the block runs
 * anew. As in a session, values pass from step to step.
 */
export class Generation extends RunningSession implements StepOwner {
  step = 0
  readonly #request: GenerateRequest
  /** Undefined until the first step's invokes have brought the prompts. */
  #begun: Begun | undefined
  /** The invokes of the block; undefined if the prompts were given to generate(). */
  #invoked: InvokedRows | undefined
  readonly #block = new SteppedBlock()
  readonly #gathered = new GatheredCalls()
  readonly #spent = new SpentCaches()
  /** Whether there is neither a block nor a standing edit. Then all steps after the first two record the same. */
  readonly #isPlain: boolean
  readonly #tellListeners: (report: TraceReport) => void
  #replay: Replay | undefined
  /**
   * Makes the step's trace forget its inputs. Values of a step refer to its trace. If that kept its inputs, each value would keep all keys and
   * values of the earlier tokens in memory.
   */
  #forgetInputs: () => void = () => undefined
  #state: Readonly<Record<string, unknown>> = {}
  #trace: RunningTrace | undefined
  #stopped = false
  #isOver = false
  /** The size of the vocabulary, as the first step that knows it says. Later steps may not know it. */
  #vocabulary: number | undefined

  /** @throws GenerateError */
  constructor(request: GenerateRequest) {
    super(request.block?.info)
    this.#request = request
    const { options, inputs, block, target } = request
    this.#isPlain = block === undefined && target.edits.length === 0
    this.#tellListeners = reportListeners(target.identity)
    if (!this.#awaitsInvokes) this.#begun = this.#begin(this.#promptsOf(inputs, options.cache))
  }

  /** Whether the prompts come from invokes in the block. */
  get #awaitsInvokes(): boolean {
    return this.#request.inputs === null && this.#request.block !== undefined
  }

  /** @throws GenerateError */
  #begin(prompts: Prompts): Begun {
    const { options, decoder, language } = this.#request
    const settings = settingsOf(options, language, (prompts.whole?.shown ?? prompts.ids)[0].length)
    const seed = settings.doSample ? (options.seed ?? anySeed()) : undefined
    const search = searchOf(settings, prompts.ids.length, seed, language)
    const sequence = new Sequence(decoder, prompts, search.rowsPerPrompt)
    const stream = new TextStream(language, settings.stopStrings, {
      rows: () => (search.rowsGoOn || this.#isOver ? this.#found() : []),
      onText: options.onText,
      onLeave: () => this.stopped(),
    })
    const { longest, width } = sequence
    const { maxNewTokens } = settings
    const growing = [decoder.ids, decoder.mask, decoder.positions]
    assertRoom(decoder.limits, { growing, longest, width, maxNewTokens })
    const shapes = new GrowingShapes(decoder.growing, maxNewTokens - 1, this.#isPlain)
    return { settings, seed, search, sequence, shapes, stream }
  }

  get #settings(): Settings {
    return this.#begun!.settings
  }

  get #search(): Search {
    return this.#begun!.search
  }

  get #sequence(): Sequence {
    return this.#begun!.sequence
  }

  get #stream(): TextStream {
    return this.#begun!.stream
  }

  async generate(): Promise<Generated<unknown, unknown>> {
    try {
      return (await this.run(() => this.#steps())) as Generated<unknown, unknown>
    } catch (error) {
      this.#begun?.stream.fail(error)
      if (this.soFar) noteSoFar(error, this.soFar)
      throw error
    }
  }

  async #steps(): Promise<Generated<unknown, unknown>> {
    const values: unknown[] = []
    try {
      for (;;) {
        const { ended, chosen, caches: returned, held } = await this.#runStep()
        if (ended && this.#request.block) values.push(ended.value)
        const { tokens, parents } = this.#search.choose(chosen, this.#sequence.histories)
        const { caches: fed } = this.#sequence
        this.#sequence.append(tokens, returned, parents)
        this.#spent.ended({ fed, returned, next: this.#sequence.caches, held })
        this.step++
        const isOver = this.#search.isOver(this.#sequence.histories)
        if (this.#stopped || isOver) break
        const { longest } = this.#sequence
        warnBeyondContext(this.#request.language?.contextLength, longest, longest + this.step)
        this.#stream.advance()
      }
    } catch (error) {
      await this.#block.fail(error)?.catch(() => undefined)
      throw error
    }
    const steps = this.step
    if (this.#block.waits) {
      const error = new StepError(
        `next() asks for step ${steps}, but the generation ended after ${steps === 1 ? 'one step' : `${steps} steps`}.`,
        'raise maxNewTokens, or call next() less often',
        this.#trace?.mark()?.position(),
      )
      values.push(await this.#block.fail(error))
    }
    this.#gathered.assertComplete(steps)
    this.#isOver = true
    this.#stream.end()
    const cache = this.#cache()
    return Object.assign(this.#made(), { values, ...(cache ? { cache } : {}) })
  }

  /** The prompts, without the tokens that a cache stands for. */
  #promptsOf(inputs: unknown, cache: GenerationCache | undefined): Prompts {
    const { decoder, options, language, target } = this.#request
    const padding = paddingOf(options, language)
    const prompts = promptRows(decoder, inputs, padding)
    return cache ? goOnFrom(cache, prompts, { decoder, model: target.identity, padding }) : prompts
  }

  #cache(): GenerationCache | undefined {
    if (!this.#search.rowsGoOn) return undefined
    const { target, decoder, withIds } = this.#request
    const ends = this.#found().map(({ added }) => added.length)
    const kept = this.#sequence.kept(target.identity, ends)
    return (
      kept &&
      new GenerationCache(
        kept,
        (prompt, cache) => new Sequence(decoder, this.#promptsOf(withIds(prompt), cache), 1).inputs,
      )
    )
  }

  /** The tokens and texts so far; undefined before the prompts are known. */
  get soFar(): SoFar<unknown> | undefined {
    return this.#begun && this.#made()
  }

  #made(): SoFar<unknown> {
    const { numSequences, padTokenId, ignored } = this.#settings
    const { language, isSingle } = this.#request
    const { rowsPerPrompt } = this.#search
    const prompts = this.#sequence.prompts.filter((_, row) => row % rowsPerPrompt === 0)
    return soFarOf({
      found: this.#found(),
      prompts: prompts.flatMap(prompt => new Array<readonly number[]>(numSequences).fill(prompt)),
      padding: padTokenId,
      stopStrings: this.#settings.stopStrings,
      language,
      isSingle,
      steps: this.step,
      seed: this.#begun!.seed,
      ignored,
    })
  }

  #found(): readonly Found[] {
    return this.#search.found(this.#sequence.histories, this.#stopped ? 'stop' : 'length')
  }

  /** The new text of the only sequence, as it comes. @throws GenerateError if there are several sequences */
  readText(): AsyncIterable<string> {
    if (!this.#begun)
      throw new GenerateError(
        'textStream is the text of one prompt, and here the invokes bring the prompts.',
        'take their pieces with the option onText: (piece, sequence) => …',
      )
    const sequences = this.#search.found(this.#sequence.histories, 'length').length
    if (sequences === 1) return this.#stream.read()
    throw new GenerateError(
      `textStream is the text of one sequence, and there are ${sequences}.`,
      'take the pieces of all of them with the option onText: (piece, sequence) => …',
    )
  }

  async #runStep(): Promise<Outcome> {
    if (!this.#replay) {
      const outcome = await (this.#awaitsInvokes ? this.#traceInvokes() : this.#traceStep())
      this.#forgetInputs()
      return outcome
    }
    const { signal, onReport } = this.#request.options
    this.#search.prepare(this.step, this.#sequence.histories)
    const { report, ...outcome } = await this.#replay.run(this.#sequence, signal)
    this.#tellListeners(report)
    onReport?.(report)
    return { ended: { value: undefined }, ...outcome, held: [] }
  }

  async #traceStep(): Promise<Outcome> {
    const { target, options, decoder } = this.#request
    const { step } = this
    const trace = this.#newStep(this.#sequence.inputs, this.info)
    trace.needsNoAxes = this.#isPlain
    if (this.#trace && this.#block.waits) this.#trace.continuedBy = trace
    this.#trace = trace
    let recording: Recording | undefined
    const { ended, chosen, caches } = (await trace.run(target, async () => {
      const ended = await this.#runBlock(trace)
      recorderScope().enter(trace)
      // One mark for all that generate() itself records: its line is the user's call.
      const { chosen, caches } = trace.oneCall(() => this.#recordStep())
      const wanted = [...Object.values(chosen), ...Object.values(caches)].map(tensor => stateOf(tensor).value)
      recording = trace.recording(wanted)
      return { ended, chosen, caches }
    })) as RecordedStep & Pick<Outcome, 'ended'>
    if (this.#isPlain && step > 0 && !options.backend && !target.newRunner && canReplay(decoder)) {
      const names = { chosen: Object.keys(chosen), caches: Object.keys(caches) }
      this.#replay = new Replay(
        { engine: trace.engine, recording: recording!, inputs: trace.inputs, ...names },
        decoder,
      )
    }
    const isHere = !options.backend && !target.newRunner
    const held = isHere && !trace.wasForced ? [...collectTensors(ended?.value), ...trace.saved] : undefined
    return { ended, chosen: dataOf(chosen), caches: apart(caches), held }
  }

  /** A new trace on the inputs of the next step; with `null`, a trace whose invokes bring the inputs. */
  #newStep(inputs: unknown, info?: Info): RunningTrace {
    const { model, options } = this.#request
    const { signal, onReport, recompute = false, backend = new ExecutionBackend() } = options
    const heard = { ...(signal ? { signal } : {}), ...(onReport ? { onReport } : {}), recompute }
    const args = [model, inputs]
    const trace = newTrace(args, heard, backend, info)
    this.#forgetInputs = () => {
      args.length = 1
      trace.forgetInputs()
    }
    const { step } = this
    trace.keepsNothing = step > 0
    if (inputs !== null) {
      trace.findShapes = (engine, shapes) => this.#begun!.shapes.at(step, engine, shapes)
      trace.allTokens = this.#sequence.seen
    }
    this.#gathered.beginStep()
    return trace
  }

  /** Runs a step whose block calls invokes. They are recorded once the block has ended, each in its own rows. */
  async #traceInvokes(): Promise<Outcome> {
    const { target } = this.#request
    const outer = this.#newStep(null, this.info)
    this.#trace = outer
    let step: RecordedStep | undefined
    outer.runInvokes = async invokes => {
      if (step)
        throw new InvokeError(
          'In generate(), all invokes of a step run together, and this one was called after the others had run.',
          'call the invokes one after the other, without await',
        )
      step = await this.#traceRows(outer, invokes)
    }
    const value = await outer.run(target, () => this.#runBlock(outer).then(ended => ended?.value))
    return { ended: { value }, chosen: dataOf(step!.chosen), caches: apart(step!.caches), held: undefined }
  }

  async #traceRows(outer: RunningTrace, invokes: readonly CalledInvoke[]): Promise<RecordedStep> {
    const { target, decoder, options, withIds, language } = this.#request
    this.#invoked ??= new InvokedRows(decoder, invokes, withIds)
    this.#invoked.assertSame(invokes)
    const padding = paddingOf(options, language)
    this.#begun ??= this.#begin(promptRows(decoder, this.#invoked.prompts, padding))
    const invoked = this.#invoked
    const trace = this.#newStep(this.#sequence.inputs)
    trace.runInvokesOf(outer)
    this.#trace = trace
    const recorded = (await trace.run(target, async () => {
      const rows = await invoked.of(trace, this.#sequence, this.#search.rowsPerPrompt)
      const values: unknown[] = []
      for (const [i, { inputs, body }] of invokes.entries()) {
        trace.enterRows(rows[i])
        if (inputs !== undefined) await trace.recordEdits()
        this.resume()
        values.push(await untilStop(body, () => this.stopped()))
        this.resume()
      }
      trace.enterRows(undefined)
      recorderScope().enter(trace)
      return { values, ...trace.oneCall(() => this.#recordStep()) }
    })) as RecordedStep & { readonly values: readonly unknown[] }
    for (const [i, { result }] of invokes.entries()) result.value = recorded.values[i]
    return recorded
  }

  /** Records how the step chooses tokens, and reads the caches for the next step. */
  #recordStep(): RecordedStep {
    const { decoder, output } = this.#request
    const logits = output(decoder.logits)
    const last = logits.rank === 3 ? logits.slice([{}, -1]) : logits
    this.#vocabulary ??= last.dims[1]
    const names = decoder.caches.flatMap(({ output: name }) => name ?? [])
    const caches = Object.fromEntries(names.map(name => [name, output(name)]))
    const chosen = this.#search.record(last, this.#vocabulary)
    this.#search.prepare(this.step, this.#sequence.histories)
    return { chosen, caches }
  }

  /** Begins the block, or continues it if it waits, until it ends or waits in next(). */
  #runBlock(trace: RunningTrace): Promise<Outcome['ended']> {
    // Without async context, the session is not current any more after an await.
    super.resume()
    const { block, model } = this.#request
    return this.#block.run(this.step, () =>
      untilStop(
        () => block?.record(model, trace, this),
        () => this.stopped(),
      ),
    )
  }

  /** The block calls this as next(). */
  next(): Promise<number> {
    if (this.#awaitsInvokes)
      throw new StepError(
        'next() was called in a generation whose block calls invokes.',
        'return values from the invokes: the block runs again in every step',
      )
    return this.#block.wait().finally(() => this.resume())
  }

  /** The block calls this as iter() and all(). */
  gather(form: string, steps: Steps, body: () => unknown): unknown {
    return this.#gathered.gather({ form, steps, step: this.step, mark: this.#trace?.mark() }, body)
  }

  override pull(): Record<string, unknown> {
    return { ...super.pull(), ...this.#state }
  }

  override push(state: Readonly<Record<string, unknown>>): void {
    this.#state = state
    super.push(state)
    if (this.#trace?.finished === false) this.#trace.passOn(Object.values(state))
  }

  override mark(): Mark | undefined {
    return this.#trace?.mark()
  }

  override resume(): void {
    super.resume()
    this.#trace?.resume()
  }

  stopped(): void {
    this.#stopped = true
  }
}

/** The same tensors without a reference to their trace. */
const apart = (tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(dataOf(tensors)).map(([name, data]) => [name, Tensor.of(data)]))

const dataOf = (tensors: Readonly<Record<string, Tensor>>): Record<string, TensorData> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, stateOf(tensor).data()]))
