import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { zerosLike } from '../runtime/tensor/functions.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import { TRACE_OPTIONS, type TraceOptions } from '../runtime/tracing/tracer.ts'
import { type AutoencoderConfig, configOf, type SaeConfigSource, weightsOf } from './model/autoencoder-files.ts'
import { withLayerOutput } from './model/layer-output.ts'
import { StudiedModel, type Vocabulary } from './model/studied-model.ts'
import type { TensorsSource } from './model/tensors-file.ts'
import { Features } from './results/features.ts'
import { SteeringVector } from './steering.ts'

/** Options of `SparseAutoencoder.features()`. */
export interface FeaturesOptions extends TraceOptions {
  /** How many features are shown: those with the highest activation over the text. @default 10 */
  readonly top?: number
  /** Texts of the tokens, by id. */
  readonly vocabulary?: Vocabulary
}

/**
 * A sparse autoencoder of the residual stream, as SAELens trains and stores it: `standard`, `jumprelu`, `topk` and `gated`. Its weights are
 * tensors, so that its parts can be used in any block: `sae.encode(model.transformer.h[1].output)`.
 *
 * Sources: Bricken et al. 2023, "Towards Monosemanticity"; Rajamanoharan et al. 2024 (arXiv:2404.16014 gated, arXiv:2407.14435 JumpReLU); Gao
 * et al. 2024 (arXiv:2406.04093) for TopK; the definitions of SAELens.
 */
export class SparseAutoencoder {
  /** How it was trained. */
  readonly config: AutoencoderConfig
  /** The layer whose output it encodes, from 0. */
  readonly layer: number
  readonly #weights: Readonly<Record<string, Tensor>>

  private constructor(config: AutoencoderConfig, layer: number, weights: Readonly<Record<string, Tensor>>) {
    this.config = config
    this.layer = layer
    this.#weights = weights
  }

  /**
   * Loads what SAELens saved: a folder with `cfg.json` and `sae_weights.safetensors`, in Node, or both as values.
   * @param options the layer whose output it encodes, if its configuration does not say it or a fused model counts otherwise
   * @throws ArgumentError for another architecture or normalisation, or weights that do not fit; InvalidTensorsFileError
   */
  static async load(
    source: string | { readonly config: SaeConfigSource; readonly weights: TensorsSource },
    options: { readonly layer?: number } = {},
  ): Promise<SparseAutoencoder> {
    const { layer } = knownOptions<{ readonly layer?: number }>('SparseAutoencoder.load()', options, ['layer'])
    const parts =
      typeof source === 'string'
        ? { config: `${source}/cfg.json`, weights: `${source}/sae_weights.safetensors` }
        : source
    const config = await configOf(parts.config)
    const chosen = layer ?? config.layer
    if (chosen === undefined)
      throw new ArgumentError(
        `This autoencoder is for ${config.hookName ?? 'a place that its configuration does not name'}, and not for the stream after a layer.`,
        undefined,
        'if it is, say which: SparseAutoencoder.load(folder, { layer: 5 })',
      )
    return new SparseAutoencoder(config, chosen, await weightsOf(config, parts.weights))
  }

  /** How many features it has. */
  get size(): number {
    return this.config.features
  }

  /** The activations of all features: `[…, width]` in, `[…, feature]` out, float32. In a block and outside. */
  encode(state: Tensor): Tensor {
    const { W_enc, b_enc, b_dec, threshold, b_gate, b_mag, r_mag } = this.#weights
    const { architecture, k } = this.config
    const input = this.config.subtractsBias ? state.to('float32').sub(b_dec) : state.to('float32')
    const plain = input.matmul(W_enc)
    if (architecture === 'gated') {
      const magnitude = plain.mul(r_mag.exp()).add(b_mag).relu()
      return plain.add(b_gate).gt(0).to('float32').mul(magnitude)
    }
    const raw = plain.add(b_enc)
    if (architecture === 'standard') return raw.relu()
    if (architecture === 'jumprelu') return raw.relu().mul(raw.gt(threshold).to('float32'))
    const scaled = this.#norms ? raw.mul(this.#norms) : raw
    const { values, indices } = scaled.topk(k!)
    return zerosLike(scaled).scatter(-1, indices, values.relu())
  }

  /** The stream that some features make: `[…, feature]` in, `[…, width]` out. */
  decode(features: Tensor): Tensor {
    const { W_dec, b_dec } = this.#weights
    return (this.#norms ? features.div(this.#norms) : features).matmul(W_dec).add(b_dec)
  }

  /** The direction of a feature in the stream: `[width]`. @throws ArgumentError */
  direction(feature: number): Tensor {
    this.#check(feature)
    return this.#weights.W_dec.select(0, feature)
  }

  /** Features over a text: which are active, and where. @throws InputError */
  async features(model: Model, prompt: Inputs, options: FeaturesOptions = {}): Promise<Features> {
    const {
      top = 10,
      vocabulary,
      ...rest
    } = knownOptions('features()', options, ['top', 'vocabulary', ...TRACE_OPTIONS]) as FeaturesOptions
    const studied = new StudiedModel('features', model, vocabulary)
    const prompts = studied.batch(prompt)
    const { activations, error } = await model.trace(prompts.inputs, rest, () => {
      const state = this.#stateOf(studied)
      const found = this.encode(state)
      const off = this.decode(found).sub(state.to('float32'))
      return { activations: found, error: off.mul(off).sum([-1]) }
    })
    return new Features(activations, error, prompts, top, id => studied.token(id))
  }

  /** A model that computes with the autoencoder's version of the stream in the place of its own: an edit. */
  splice<M extends Model>(model: M): M {
    return this.#edited(model, state => this.decode(this.encode(state)))
  }

  /** A model without a feature: what it adds to the stream is taken out of it, and what the autoencoder does not explain stays. */
  ablate<M extends Model>(model: M, feature: number): M {
    const direction = this.direction(feature)
    return this.#edited(model, state => {
      const activation = this.encode(state).narrow(-1, feature, 1)
      const size = this.#norms ? activation.div(this.#norms.narrow(0, feature, 1)) : activation
      return state.to('float32').sub(size.mul(direction))
    })
  }

  /** The direction of a feature as a steering vector: `sae.steering(5).apply(model, 8)`. */
  async steering(feature: number): Promise<SteeringVector> {
    return new SteeringVector(this.layer, await this.direction(feature).value())
  }

  #edited<M extends Model>(model: M, change: (state: Tensor) => Tensor): M {
    return withLayerOutput('SparseAutoencoder', model, this.layer, state => change(state).to(state.type))
  }

  #stateOf(studied: StudiedModel): Tensor {
    const { leaving } = studied.lens()
    studied.layersOf([this.layer], leaving.length)
    return studied.read(leaving[this.layer])
  }

  /** The lengths of the features' directions, where activations are in units of them. */
  get #norms(): Tensor | undefined {
    return this.config.scalesByNorm ? this.#weights.W_dec.norm(2, [-1]) : undefined
  }

  #check(feature: number): void {
    if (Number.isSafeInteger(feature) && feature >= 0 && feature < this.size) return
    throw new ArgumentError(`There is no feature ${feature}.`, undefined, `give a number from 0 to ${this.size - 1}`)
  }

  toString(): string {
    const { architecture, width } = this.config
    return `SparseAutoencoder(${architecture}, ${this.size} features of ${width} numbers, after layer ${this.layer})`
  }
}
