import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { zerosLike } from '../runtime/tensor/functions.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import { TRACE_OPTIONS, type TraceOptions } from '../runtime/tracing/tracer.ts'
import { type AutoencoderConfig, configOf, type SaeConfigSource, weightsOf } from './model/autoencoder-files.ts'
import { folded, type Normalised, normalised } from './model/normalisation.ts'
import { StudiedModel, type Vocabulary } from './model/studied-model.ts'
import type { TensorsSource } from './model/tensors-file.ts'
import { Features } from './results/features.ts'
import { SteeringVector } from './steering.ts'
import { type Site, siteOf } from './sweeps/sites.ts'

/** Options of `SparseAutoencoder.features()`. */
export interface FeaturesOptions extends TraceOptions {
  /** The number of features that are shown: those with the highest activation in the text. @default 10 */
  readonly top?: number
  /** Texts of the tokens, by id. */
  readonly vocabulary?: Vocabulary
}

/** Options of `SparseAutoencoder.load()`. */
export interface AutoencoderOptions {
  /** The layer that it encodes, if its configuration does not say it, or if a fused model numbers its layers differently. */
  readonly layer?: number
  /**
   * For `normalize_activations: 'expected_average_only_in'`: the number by which inputs were multiplied, so that their mean length is the root of
   * their width. SAELens lists it as `norm_scaling_factor`. The weights that its trainer saves at the end already include it.
   */
  readonly normScalingFactor?: number
}

/**
 * A sparse autoencoder of the residual stream, of the results of attentions or MLPs, or of the mixes of heads, in the forms that SAELens trains
 * and stores: `standard`, `jumprelu`, `topk` and `gated`. Its weights are tensors, so that its parts can be used in any block:
 * `sae.encode(model.transformer.h[1].output)`.
 *
 * Sources: Bricken et al. 2023, "Towards Monosemanticity"; Rajamanoharan et al. 2024 (arXiv:2404.16014 gated, arXiv:2407.14435 JumpReLU); Gao
 * et al. 2024 (arXiv:2406.04093) for TopK; the definitions of SAELens.
 */
export class SparseAutoencoder {
  /** The properties of the autoencoder that matter for its use. */
  readonly config: AutoencoderConfig
  /** The layer that it encodes, from 0. */
  readonly layer: number
  readonly #weights: Readonly<Record<string, Tensor>>

  private constructor(config: AutoencoderConfig, layer: number, weights: Readonly<Record<string, Tensor>>) {
    this.config = config
    this.layer = layer
    this.#weights = weights
  }

  /**
   * Loads an autoencoder that SAELens saved: in Node a folder with `cfg.json` and `sae_weights.safetensors`, or both as values.
   * @throws ArgumentError for another architecture or normalisation, a place that is not known, or weights that do not fit; InvalidTensorsFileError
   */
  static async load(
    source: string | { readonly config: SaeConfigSource; readonly weights: TensorsSource },
    options: AutoencoderOptions = {},
  ): Promise<SparseAutoencoder> {
    const { layer, normScalingFactor } = knownOptions<AutoencoderOptions>('SparseAutoencoder.load()', options, [
      'layer',
      'normScalingFactor',
    ])
    const parts =
      typeof source === 'string'
        ? { config: `${source}/cfg.json`, weights: `${source}/sae_weights.safetensors` }
        : source
    const config = await configOf(parts.config)
    const chosen = layer ?? config.layer
    if (chosen === undefined)
      throw new ArgumentError(
        `This autoencoder is for ${config.hookName ?? 'a place that its configuration does not name'}, which is not known.`,
        undefined,
        'if it is the stream after a layer, say which: SparseAutoencoder.load(folder, { layer: 5 })',
      )
    const weights = await weightsOf(config, parts.weights)
    return new SparseAutoencoder(config, chosen, await folded(config.normalisation, weights, normScalingFactor))
  }

  /** The number of features. */
  get size(): number {
    return this.config.features
  }

  /** Computes the activations of all features, float32 `[…, feature]`, from a value `[…, width]`. It works in a block and outside. */
  encode(state: Tensor): Tensor {
    return this.#encode(this.#normalised(state))
  }

  #encode({ input: whole }: Normalised): Tensor {
    const { W_enc, b_enc, b_dec, threshold, b_gate, b_mag, r_mag } = this.#weights
    const { architecture, k } = this.config
    const input = this.config.subtractsBias ? whole.sub(b_dec) : whole
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

  /**
   * Computes the value `[…, width]` that the activations of features `[…, feature]` stand for.
   * @param state the encoded value. If inputs are normalised one by one, it gives the result its length, or its mean and deviation
   * @throws ArgumentError if such a state is missing
   */
  decode(features: Tensor, state?: Tensor): Tensor {
    const { normalisation } = this.config
    if (state) return this.#decode(features, this.#normalised(state))
    if (normalisation === 'none' || normalisation === 'expected_average_only_in') return this.#decode(features)
    throw new ArgumentError(
      `Inputs of this autoencoder are normalised one by one (${normalisation}), so features alone do not say what they make.`,
      undefined,
      'pass what was encoded: sae.decode(features, state)',
    )
  }

  #decode(features: Tensor, { restore }: Pick<Normalised, 'restore'> = { restore: value => value }): Tensor {
    const { W_dec, b_dec } = this.#weights
    return restore((this.#norms ? features.div(this.#norms) : features).matmul(W_dec).add(b_dec))
  }

  #normalised(state: Tensor): Normalised {
    return normalised(this.config.normalisation, state.to('float32'))
  }

  /** The direction of a feature: `[width]`, in the units of normalised inputs. @throws ArgumentError */
  direction(feature: number): Tensor {
    this.#check(feature)
    return this.#weights.W_dec.select(0, feature)
  }

  /** Finds which features are active in a text, and where. @throws InputError */
  async features(model: Model, prompt: Inputs, options: FeaturesOptions = {}): Promise<Features> {
    const {
      top = 10,
      vocabulary,
      ...rest
    } = knownOptions('features()', options, ['top', 'vocabulary', ...TRACE_OPTIONS]) as FeaturesOptions
    const studied = new StudiedModel('features', model, vocabulary)
    const prompts = await studied.batch(prompt)
    const { activations, error } = await model.trace(prompts.inputs, rest, () => {
      const state = this.#site(studied).read()
      const at = this.#normalised(state)
      const found = this.#encode(at)
      const off = this.#decode(found, at).sub(state.to('float32'))
      return { activations: found, error: off.mul(off).sum([-1]) }
    })
    return new Features(activations, error, prompts, top, id => studied.token(id))
  }

  /** An edited model in which the autoencoder's reconstruction replaces the value that it encodes. */
  splice<M extends Model>(model: M): M {
    return this.#edited(model, state => {
      const at = this.#normalised(state)
      return this.#decode(this.#encode(at), at)
    })
  }

  /** An edited model without a feature: its share is subtracted. The part that the autoencoder does not explain stays. */
  ablate<M extends Model>(model: M, feature: number): M {
    const direction = this.direction(feature)
    return this.#edited(model, state => {
      const at = this.#normalised(state)
      const activation = this.#encode(at).narrow(-1, feature, 1)
      const size = this.#norms ? activation.div(this.#norms.narrow(0, feature, 1)) : activation
      return state.to('float32').sub(at.scaled(size.mul(direction)))
    })
  }

  /**
   * The direction of a feature as a steering vector, which is added to the stream after the layer: `(await sae.steering(5)).apply(model, 8)`.
   * @throws ArgumentError for an autoencoder of heads, or of the stream before the first layer
   */
  async steering(feature: number): Promise<SteeringVector> {
    const { part } = this.config
    if (part === 'head' || part === 'residual')
      throw new ArgumentError(
        `Features of ${wordsFor[part]} are no directions in the stream after a layer, where steering vectors are added.`,
        undefined,
        'write the edit: model.edit(() => …) with sae.direction(feature)',
      )
    return new SteeringVector(this.layer, await this.direction(feature).value())
  }

  #edited<M extends Model>(model: M, change: (state: Tensor) => Tensor): M {
    const studied = new StudiedModel('SparseAutoencoder', model, undefined)
    return model.edit(() => {
      const site = this.#site(studied)
      const state = site.read()
      site.write(change(state).to(state.type))
    }) as M
  }

  /** The place that it encodes, in the current trace: `[row, token, width]`. @throws StudyError */
  #site(studied: StudiedModel): Site {
    const { layers, leaving } = studied.lens()
    studied.layersOf([this.layer], leaving.length)
    const { part } = this.config
    if (part === 'output') {
      const module = studied.module(layers[this.layer].path)
      return {
        read: () => studied.read(leaving[this.layer]),
        write(value) {
          module.output = value
        },
      }
    }
    const site = siteOf(studied, part, this.layer)
    if (part !== 'head') return site
    return {
      read: () => site.read().flatten(2),
      write: value => site.write(value.reshape(site.read().dims as number[])),
    }
  }

  /** The lengths of the features' directions, if activations are in units of these lengths; otherwise undefined. */
  get #norms(): Tensor | undefined {
    return this.config.scalesByNorm ? this.#weights.W_dec.norm(2, [-1]) : undefined
  }

  #check(feature: number): void {
    if (Number.isSafeInteger(feature) && feature >= 0 && feature < this.size) return
    throw new ArgumentError(`There is no feature ${feature}.`, undefined, `give a number from 0 to ${this.size - 1}`)
  }

  toString(): string {
    const { architecture, width, part } = this.config
    const place = part === 'output' ? `after layer ${this.layer}` : `${wordsFor[part]} of layer ${this.layer}`
    return `SparseAutoencoder(${architecture}, ${this.size} features of ${width} numbers, ${place})`
  }
}

const wordsFor = { residual: 'the input', attention: 'the attention', mlp: 'the MLP', head: 'the heads' } as const
