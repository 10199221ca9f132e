import { ArgumentError } from '../../runtime/errors/tensor.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { type TensorsSource, tensorsOf } from './tensors-file.ts'

/** The contents of a `cfg.json` of SAELens, or its path, which Node reads. */
export type SaeConfigSource = string | Readonly<Record<string, unknown>>

/** How an autoencoder was trained, as far as it matters for its use. */
export interface AutoencoderConfig {
  readonly architecture: 'standard' | 'jumprelu' | 'topk' | 'gated'
  /** Width of the stream. */
  readonly width: number
  /** How many features it has. */
  readonly features: number
  /** Whether the decoder's bias is subtracted from the input. */
  readonly subtractsBias: boolean
  /** Whether activations are in units of the length of each feature's direction. */
  readonly scalesByNorm: boolean
  /** How many features are active at a time, of a TopK autoencoder. */
  readonly k: number | undefined
  /** The place that it was trained on: `blocks.5.hook_resid_post`. */
  readonly hookName: string | undefined
  /** The layer whose output that is. */
  readonly layer: number | undefined
}

const architectures = ['standard', 'jumprelu', 'topk', 'gated'] as const

/** Reads a configuration of SAELens, old or new. @throws ArgumentError for what is not supported */
export async function configOf(source: SaeConfigSource): Promise<AutoencoderConfig> {
  const config = typeof source === 'string' ? await jsonOf(source) : source
  const metadata = (config.metadata ?? {}) as Readonly<Record<string, unknown>>
  const unfit = (what: string): ArgumentError =>
    new ArgumentError(
      `SparseAutoencoder: ${what}.`,
      undefined,
      `supported are ${architectures.join(', ')}, on inputs that are not normalised and not reshaped`,
    )
  // Before version 4, a TopK autoencoder was a standard one with another activation function.
  const isTopK = config.activation_fn_str === 'topk' || config.activation_fn === 'topk'
  const named = config.architecture ?? 'standard'
  const architecture = named === 'standard' && isTopK ? 'topk' : architectures.find(one => one === named)
  if (!architecture) throw unfit(`its architecture is ${JSON.stringify(named)}`)
  const [width, features] = [config.d_in, config.d_sae].map(Number)
  if (!(width > 0 && features > 0)) throw unfit('its configuration has no d_in and d_sae')
  for (const name of ['normalize_activations', 'reshape_activations'])
    if (config[name] !== undefined && config[name] !== 'none') throw unfit(`${name} is ${JSON.stringify(config[name])}`)
  const kwargs = (config.activation_fn_kwargs ?? {}) as Readonly<Record<string, unknown>>
  const k = architecture === 'topk' ? Number(config.k ?? kwargs.k) : undefined
  if (k !== undefined && !(k > 0 && k <= features)) throw unfit('its configuration has no k')
  const hook = config.hook_name ?? metadata.hook_name
  const hookName = typeof hook === 'string' ? hook : undefined
  const place = /^blocks\.(\d+)\.hook_resid_(pre|post)$/.exec(hookName ?? '')
  const layer = place ? Number(place[1]) - (place[2] === 'pre' ? 1 : 0) : undefined
  return {
    architecture,
    width,
    features,
    subtractsBias: config.apply_b_dec_to_input !== false,
    scalesByNorm: architecture === 'topk' && config.rescale_acts_by_decoder_norm === true,
    k,
    hookName,
    layer: layer === undefined || layer < 0 ? undefined : layer,
  }
}

async function jsonOf(path: string): Promise<Readonly<Record<string, unknown>>> {
  const { readFile } = await import('node:fs/promises')
  return JSON.parse(await readFile(path, 'utf8')) as Readonly<Record<string, unknown>>
}

/** The weights in float32, with dims that fit. @throws ArgumentError */
export async function weightsOf(
  { architecture, width, features }: AutoencoderConfig,
  source: TensorsSource,
): Promise<Readonly<Record<string, Tensor>>> {
  const found = await tensorsOf(source)
  const wanted: Record<string, readonly number[]> = {
    W_enc: [width, features],
    W_dec: [features, width],
    b_dec: [width],
    ...(architecture === 'gated'
      ? { b_gate: [features], b_mag: [features], r_mag: [features] }
      : { b_enc: [features] }),
    ...(architecture === 'jumprelu' ? { threshold: [features] } : {}),
  }
  const entries = Object.entries(wanted).map(async ([name, dims]) => {
    const tensor = found[name]
    if (String(tensor?.dims) !== String(dims))
      throw new ArgumentError(
        `SparseAutoencoder: the weights have ${tensor ? `${name} of dims [${tensor.dims.join(', ')}]` : `no ${name}`}, and ${architecture} with ${features} features of ${width} numbers needs it to be [${dims.join(', ')}].`,
        undefined,
        'give cfg.json and sae_weights.safetensors of one autoencoder',
      )
    return [name, await tensor.to('float32').value()] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}
