import { ArgumentError } from '../../runtime/errors/tensor.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { LayerPart } from '../sweeps/sites.ts'
import { type TensorsSource, tensorsOf } from './tensors-file.ts'

/** The contents of a `cfg.json` of SAELens, or its path, which Node reads. */
export type SaeConfigSource = string | Readonly<Record<string, unknown>>

/** The properties of an autoencoder that matter for its use. */
export interface AutoencoderConfig {
  readonly architecture: 'standard' | 'jumprelu' | 'topk' | 'gated'
  /** The width of the values that it encodes. */
  readonly width: number
  /** The number of features. */
  readonly features: number
  /** Whether the decoder's bias is subtracted from the input. */
  readonly subtractsBias: boolean
  /** Whether activations are in units of the length of each feature's direction. */
  readonly scalesByNorm: boolean
  /** For a TopK autoencoder: the number of features that are active at a time. */
  readonly k: number | undefined
  /** The hook whose value it was trained on: `blocks.5.hook_resid_post`. */
  readonly hookName: string | undefined
  /** The layer of that value, from 0. */
  readonly layer: number | undefined
  /** The part of the layer that has the value: its output, the stream that enters it, its attention or MLP, or its heads' mixes, side by side. */
  readonly part: AutoencoderPart
  /** How the inputs were normalised in training. */
  readonly normalisation: Normalisation
}

export type AutoencoderPart = 'output' | LayerPart | 'head'

export type Normalisation = (typeof normalisations)[number]

const normalisations = ['none', 'expected_average_only_in', 'constant_norm_rescale', 'layer_norm'] as const

const architectures = ['standard', 'jumprelu', 'topk', 'gated'] as const

/** Reads a configuration of SAELens, old or new. @throws ArgumentError for an autoencoder that is not supported */
export async function configOf(source: SaeConfigSource): Promise<AutoencoderConfig> {
  const config = typeof source === 'string' ? await jsonOf(source) : source
  const metadata = (config.metadata ?? {}) as Readonly<Record<string, unknown>>
  const unfit = (what: string): ArgumentError =>
    new ArgumentError(
      `SparseAutoencoder: ${what}.`,
      undefined,
      `supported are ${architectures.join(', ')}, with normalize_activations ${normalisations.join(', ')}, and reshape_activations none or hook_z`,
    )
  // Before version 4, a TopK autoencoder was a standard one with another activation function.
  const isTopK = config.activation_fn_str === 'topk' || config.activation_fn === 'topk'
  const named = config.architecture ?? 'standard'
  const architecture = named === 'standard' && isTopK ? 'topk' : architectures.find(one => one === named)
  if (!architecture) throw unfit(`its architecture is ${JSON.stringify(named)}`)
  const [width, features] = [config.d_in, config.d_sae].map(Number)
  if (!(width > 0 && features > 0)) throw unfit('its configuration has no d_in and d_sae')
  const oneOf = <T extends string>(name: string, all: readonly T[]): T => {
    const value = config[name] ?? 'none'
    const found = all.find(one => one === value)
    if (found === undefined) throw unfit(`${name} is ${JSON.stringify(value)}`)
    return found
  }
  const normalisation = oneOf('normalize_activations', normalisations)
  const isReshaped = oneOf('reshape_activations', ['none', 'hook_z']) === 'hook_z'
  const head = config.hook_head_index ?? metadata.hook_head_index
  if (typeof head === 'number') throw unfit(`it is for head ${head} alone`)
  const kwargs = (config.activation_fn_kwargs ?? {}) as Readonly<Record<string, unknown>>
  const k = architecture === 'topk' ? Number(config.k ?? kwargs.k) : undefined
  if (k !== undefined && !(k > 0 && k <= features)) throw unfit('its configuration has no k')
  const hook = config.hook_name ?? metadata.hook_name
  const hookName = typeof hook === 'string' ? hook : undefined
  const place = placeOf(hookName)
  if (isReshaped && place && place.part !== 'head') throw unfit(`reshape_activations is "hook_z" at ${hookName}`)
  return {
    architecture,
    width,
    features,
    subtractsBias: config.apply_b_dec_to_input !== false,
    scalesByNorm: architecture === 'topk' && config.rescale_acts_by_decoder_norm === true,
    k,
    hookName,
    layer: place?.layer,
    part: place?.part ?? 'output',
    normalisation,
  }
}

const PARTS: Readonly<Record<string, AutoencoderPart>> = {
  hook_resid_pre: 'residual',
  hook_resid_post: 'output',
  hook_attn_out: 'attention',
  hook_mlp_out: 'mlp',
  'attn.hook_z': 'head',
}

/** The layer and part that a hook's name stands for; undefined for any other hook. */
function placeOf(hookName = ''): { readonly layer: number; readonly part: AutoencoderPart } | undefined {
  const [, block, hook] = /^blocks\.(\d+)\.(.+)$/.exec(hookName) ?? []
  if (hook === undefined || !Object.hasOwn(PARTS, hook)) return undefined
  const layer = Number(block)
  // The stream that enters a layer is the output of the layer before it.
  return hook === 'hook_resid_pre' && layer > 0 ? { layer: layer - 1, part: 'output' } : { layer, part: PARTS[hook] }
}

async function jsonOf(path: string): Promise<Readonly<Record<string, unknown>>> {
  const { readFile } = await import('node:fs/promises')
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Readonly<Record<string, unknown>>
  } catch (error) {
    throw new ArgumentError(
      `SparseAutoencoder: there is no configuration in ${path}: ${(error as Error).message}.`,
      undefined,
      'give the folder that SAELens saved, with cfg.json and sae_weights.safetensors',
    )
  }
}

/** Reads the weights as float32, and checks their dims. @throws ArgumentError */
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
