import { InputError } from '../../errors/input.ts'
import { UseAfterReleaseError } from '../../errors/run.ts'
import type { EditedParts } from '../../export/edit-model.ts'
import { refinedDims } from '../../language-inputs/empty-cache.ts'
import { fillInputs, type PaddingSide } from '../../language-inputs/fill.ts'
import type { Language } from '../../language-inputs/language.ts'
import { assertNotEmpty, assertWithinTables, type TableLimit, tableLimits } from '../../language-inputs/limits.ts'
import { idsInput, PAST, roleOf } from '../../language-inputs/roles.ts'
import { decoderInputs, textsToIds } from '../../language-inputs/texts.ts'
import { takesLengths } from '../../onnx/graph/clusters.ts'
import type { ValueInfo } from '../../onnx/graph/graph.ts'
import { asInFile } from '../../onnx/graph/node.ts'
import type { SaveOptions } from '../../onnx/writing/write.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import type { AllTokens, AxesOfValue, Edit, Traceable, TraceableVariant } from '../../tracing/traceable.ts'
import { prepareInputs } from './inputs.ts'
import { tokenAxes } from './token-axes.ts'
import type { Variant, Variants } from './variants.ts'

/** An input or output, as the model declares it. */
export interface Declared {
  /** The name in the file. */
  readonly name: string
  /** The element type: `float32`. */
  readonly type: string
  /** Outermost first: a number, the name of a dim that varies, or undefined. `dims` is undefined if the rank is not known. */
  readonly dims: readonly (number | string | undefined)[] | undefined
  /** Set for an input that may be left out, because onnsight computes it from the others: masks, positions, empty caches. */
  readonly optional?: true
}

/** The inputs and outputs of a model. */
export interface Signature {
  /** The inputs in the file’s order, without weights. */
  readonly inputs: readonly Declared[]
  /** The outputs in the file’s order. */
  readonly outputs: readonly Declared[]
}

/** A model with standing edits, and what is needed to write them. */
export type StandingEdits = Omit<EditedParts, 'file'>

/** The source of a loaded model. */
export interface Origin {
  /** The path or address as the user wrote it. */
  readonly path: string
  readonly source: Traceable['source']
  /** For a model whose weights are elsewhere. */
  readonly newRunner?: Traceable['newRunner']
  /** Writes the model. @param edits edits to write as nodes */
  save(path: string, options: SaveOptions, edits?: StandingEdits): Promise<void>
  /** Called when the model is released and its files are no longer read. */
  released?(): void
}

/** Further outputs: places by the name of the output. */
function namedOutputs(outputs: SaveOptions['outputs'] = []): ReadonlyMap<string, string> {
  return new Map(Array.isArray(outputs) ? outputs.map(place => [place, place]) : Object.entries(outputs))
}

/** A loaded model as tracers use it: it checks inputs, and chooses the variant that runs them. */
export class LoadedModel implements Traceable {
  readonly name: string
  readonly edits: readonly Edit[] = []
  /** The variant that represents the model while no inputs are known. */
  readonly usual: Variant
  readonly signature: Signature
  readonly source: Traceable['source']
  readonly #origin: Origin
  readonly #variants: Variants
  /** The side on which prompts of unequal length are padded. */
  readonly paddingSide: PaddingSide
  /** Limits of inputs that index tables of the model. */
  readonly limits: readonly TableLimit[]
  /** The model's tokenizer, and what its files say about texts; undefined if it was loaded without a tokenizer. */
  readonly language: Language | undefined
  #releasing: Promise<void> | undefined

  constructor(origin: Origin, variants: Variants, usual: Variant, language?: Language) {
    this.name = origin.path
    this.source = origin.source
    this.#origin = origin
    this.#variants = variants
    this.usual = usual
    this.language = language
    const { graph } = usual.engine.program
    const declare = (value: ValueInfo): Declared => ({ ...value, type: value.type ?? 'other' })
    const { openShapes } = usual.engine.program
    const inputs = graph.inputs.map(declare).map(input => {
      if (!PAST.test(input.name)) return input
      const present =
        openShapes.get(input.name.replace(PAST, 'present')) ?? openShapes.get(input.name.replace(/^past/, 'present'))
      return { ...input, dims: refinedDims(input.dims, present?.dims) }
    })
    const mark = (input: Declared): Declared => (roleOf(input, inputs) ? { ...input, optional: true } : input)
    this.signature = { inputs: inputs.map(mark), outputs: graph.outputs.map(declare) }
    this.limits = tableLimits(graph)
    const hasPositions = inputs.some(input => roleOf(input, inputs) === 'positions')
    const canPadLeft = hasPositions || asInFile(graph.nodes).some(takesLengths)
    this.paddingSide = canPadLeft ? (language?.paddingSide ?? 'left') : 'right'
  }

  get identity(): this {
    return this
  }

  get newRunner(): Traceable['newRunner'] {
    return this.#origin.newRunner
  }

  get inputs(): readonly Declared[] {
    return this.signature.inputs
  }

  prepare(inputs: unknown): ReadonlyMap<string, TensorData> {
    const { inputs: declared } = this.signature
    const padding = this.language?.padTokenId
    const prepared = prepareInputs(declared, fillInputs(declared, this.withIds(inputs), this.paddingSide, padding))
    const ids = idsInput(declared)
    if (ids !== undefined) assertNotEmpty(declared, ids, prepared)
    assertWithinTables(declared, this.limits, prepared)
    return prepared
  }

  /** For a prompt, or for inputs of the encoder that the model was loaded with: its states, and the decoder's first tokens. */
  complete(inputs: unknown): Promise<unknown> | undefined {
    const { language } = this
    return language?.encoder && decoderInputs(this.signature.inputs, inputs, language, language.encoder)
  }

  /** The inputs with ids in the place of texts, if the model has a tokenizer. @throws PromptError */
  withIds(inputs: unknown): unknown {
    return this.language ? textsToIds(this.signature.inputs, inputs, this.language) : inputs
  }

  variant(inputs: ReadonlyMap<string, TensorData>): Promise<Variant> {
    if (this.#releasing) throw new UseAfterReleaseError(this.name)
    return this.#variants.for(inputs)
  }

  axes(
    { engine }: TraceableVariant,
    inputs: ReadonlyMap<string, TensorData>,
    all?: AllTokens,
  ): Promise<AxesOfValue> | undefined {
    return this.language && tokenAxes(engine, inputs, this.signature.inputs, this.language, all)
  }

  /** @param edited the model with standing edits */
  async save(path: string, options: SaveOptions, edited?: Traceable): Promise<void> {
    if (this.#releasing) throw new UseAfterReleaseError(this.name)
    const outputs = namedOutputs(options.outputs)
    const changed = edited ?? (outputs.size > 0 ? this : undefined)
    await this.#origin.save(path, options, changed && { ...(await this.#editsOf(changed)), outputs })
  }

  async #editsOf(model: Traceable): Promise<Omit<StandingEdits, 'outputs'>> {
    const infer: StandingEdits['infer'] = (message, inputs) => this.#variants.infer(message, inputs)
    const [variant, chosen] = [await this.#variants.whole(), await this.#variants.each()]
    const takeConstantBranches: StandingEdits['takeConstantBranches'] = (proto, inPlace) =>
      this.#variants.takeConstantBranches(proto, inPlace)
    return { model, variant, chosen, takeConstantBranches, infer }
  }

  release(): Promise<void> {
    this.#releasing ??= this.#variants.release().then(() => this.#origin.released?.())
    return this.#releasing
  }

  misfit(cause: unknown): Error {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]
    return new InputError(`The inputs do not fit together: ${reason}`, this.signature.inputs, undefined, cause)
  }
}
