import { InputError } from '../../errors/input.ts'
import { UseAfterReleaseError } from '../../errors/run.ts'
import type { EditedParts } from '../../export/edit-model.ts'
import { refinedDims } from '../../language-inputs/empty-cache.ts'
import { fillInputs, type PaddingSide } from '../../language-inputs/fill.ts'
import { assertNotEmpty, assertWithinTables, type TableLimit, tableLimits } from '../../language-inputs/limits.ts'
import { idsInput, PAST, roleOf } from '../../language-inputs/roles.ts'
import { takesLengths } from '../../onnx/graph/clusters.ts'
import type { ValueInfo } from '../../onnx/graph/graph.ts'
import { asInFile } from '../../onnx/graph/node.ts'
import type { SaveOptions } from '../../onnx/writing/write.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import type { Edit, Traceable } from '../../tracing/traceable.ts'
import { prepareInputs } from './inputs.ts'
import type { Variant, Variants } from './variants.ts'

/** An input or output, as the model declares it. */
export interface Declared {
  /** As the file has it. */
  readonly name: string
  /** The element type: `float32`. */
  readonly type: string
  /** Outermost first: a number, the name of a dim that varies, or undefined; undefined if the rank is not known. */
  readonly dims: readonly (number | string | undefined)[] | undefined
  /** Of an input that may be left out: onnsight makes it up from the others, as it does with masks, positions and empty caches. */
  readonly optional?: true
}

/** What a model takes and gives. */
export interface Signature {
  /** In the file’s order; weights are not among them. */
  readonly inputs: readonly Declared[]
  /** In the file’s order. */
  readonly outputs: readonly Declared[]
}

/** A model's edits, and what they are recorded on. */
export type StandingEdits = Omit<EditedParts, 'file'>

/** Where a model comes from. */
export interface Origin {
  /** As it was given. */
  readonly path: string
  readonly source: Traceable['source']
  /** @param edits to be put into what is written */
  save(path: string, options: SaveOptions, edits?: StandingEdits): Promise<void>
  /** Nothing of it is read any more. */
  released?(): void
}

/** A model as tracers know it: what it takes, and what runs it. */
export class LoadedModel implements Traceable {
  readonly name: string
  readonly edits: readonly Edit[] = []
  /** What runs the model where no inputs are known: of branches, the usual ones. */
  readonly usual: Variant
  readonly signature: Signature
  readonly source: Traceable['source']
  readonly #origin: Origin
  readonly #variants: Variants
  /** On which side prompts of unequal length are padded. */
  readonly paddingSide: PaddingSide
  /** Tables that inputs look rows up in. */
  readonly limits: readonly TableLimit[]
  #released = false

  constructor(origin: Origin, variants: Variants, usual: Variant) {
    this.name = origin.path
    this.source = origin.source
    this.#origin = origin
    this.#variants = variants
    this.usual = usual
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
    this.paddingSide = hasPositions || asInFile(graph.nodes).some(takesLengths) ? 'left' : 'right'
  }

  get identity(): this {
    return this
  }

  get inputs(): readonly Declared[] {
    return this.signature.inputs
  }

  prepare(inputs: unknown): ReadonlyMap<string, TensorData> {
    const { inputs: declared } = this.signature
    const prepared = prepareInputs(declared, fillInputs(declared, inputs, this.paddingSide))
    const ids = idsInput(declared)
    if (ids !== undefined) assertNotEmpty(declared, ids, prepared)
    assertWithinTables(declared, this.limits, prepared)
    return prepared
  }

  variant(inputs: ReadonlyMap<string, TensorData>): Promise<Variant> {
    if (this.#released) throw new UseAfterReleaseError(this.name)
    return this.#variants.for(inputs)
  }

  /** @param edited the model with standing edits */
  async save(path: string, options: SaveOptions, edited?: Traceable): Promise<void> {
    if (this.#released) throw new UseAfterReleaseError(this.name)
    await this.#origin.save(path, options, edited && (await this.#editsOf(edited)))
  }

  async #editsOf(model: Traceable): Promise<StandingEdits> {
    const infer: StandingEdits['infer'] = (message, inputs) => this.#variants.infer(message, inputs)
    const [variant, chosen] = [await this.#variants.whole(), await this.#variants.each()]
    const settle: StandingEdits['settle'] = (proto, inPlace) => this.#variants.settle(proto, inPlace)
    return { model, variant, chosen, settle, infer }
  }

  async release(): Promise<void> {
    this.#released = true
    await this.#variants.release()
    this.#origin.released?.()
  }

  misfit(cause: unknown): Error {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]
    return new InputError(`The inputs do not fit together: ${reason}`, this.signature.inputs, undefined, cause)
  }
}
