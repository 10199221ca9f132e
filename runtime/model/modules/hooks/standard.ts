import { NoSuchMemberError, NotAssignableError } from '../../../errors/members.ts'
import { NoHookError } from '../../../errors/names.ts'
import { IndexError } from '../../../errors/tensor.ts'
import type { Tap } from '../../../graph/expression.ts'
import { currentPosition } from '../../../tensor/current-position.ts'
import { isReadByTools, valueForTools } from '../../../tensor/members/names-tools-read.ts'
import type { Tensor } from '../../../tensor/tensor.ts'
import type { TensorLike } from '../../../tensor/values/convert.ts'
import { readActivation, writeActivation } from '../activation.ts'
import type { Binding } from '../binding.ts'
import { hookTable, hookTarget, readHook, writeHook } from './hooks.ts'

/** A value of each layer, by the layer's number: `layers_output[3]`. Negative numbers count from the end. */
export interface LayerValues {
  [layer: number]: Tensor
  /** The number of layers. */
  readonly length: number
}

/** nnterp's names (`StandardizedTransformer`, nnterp 1.3), the same for every model. */
export interface StandardNames {
  readonly layers_input: LayerValues
  readonly layers_output: LayerValues
  /** The output of the attention module, with its bias, before the residual sum. */
  readonly attentions_output: LayerValues
  readonly mlps_output: LayerValues
  /** `[batch, head, query, key]`. */
  readonly attention_probabilities: LayerValues
  get token_embeddings(): Tensor
  set token_embeddings(value: TensorLike)
  get logits(): Tensor
  set logits(value: TensorLike)
  /** The probabilities of the token after the last position, `[batch, vocabulary]`, which is each prompt's end if padding is on the left. */
  readonly next_token_probs: Tensor
  readonly num_layers: number
  /** The number of query heads in the first layer. */
  readonly num_heads: number
}

/** For each value of a layer, the hook by which it is found if no module has it. */
const LAYER_NAMES: Readonly<Record<string, string>> = {
  layers_input: 'hook_resid_pre',
  layers_output: 'hook_resid_post',
  attentions_output: 'hook_attn_out',
  mlps_output: 'hook_mlp_out',
  attention_probabilities: 'attn.hook_pattern',
}

const VALUES: Readonly<Record<string, string>> = { token_embeddings: 'hook_embed', logits: 'hook_logits' }

export function standardNames(binding: Binding): StandardNames {
  const members = [...Object.keys(LAYER_NAMES), ...Object.keys(VALUES), 'next_token_probs', 'num_layers', 'num_heads']
  return new Proxy({} as StandardNames, {
    get(target, key) {
      if (typeof key === 'symbol' || key === 'then') return undefined
      if (key in LAYER_NAMES) return layerValues(binding, key)
      if (key in VALUES) return readHook(binding, VALUES[key])
      if (key === 'next_token_probs') return readHook(binding, 'hook_logits').select(1, -1).softmax(-1)
      if (key === 'num_layers') return hookTable(binding).layers
      if (key === 'num_heads') {
        const heads = hookTarget(binding, 'blocks.0.attn.hook_pattern')
        return heads.kind === 'heads' ? heads.attention.heads : undefined
      }
      if (isReadByTools(key)) return valueForTools(key, target)
      throw new NoSuchMemberError('model.standard', key, `it has ${members.join(', ')}`, currentPosition())
    },
    set(_, key, value) {
      if (typeof key === 'symbol' || !(key in VALUES))
        throw new NotAssignableError(
          `${String(key)} of model.standard`,
          'assign to a layer’s value, layers_output[3] = …, or to token_embeddings or logits',
          currentPosition(),
        )
      writeHook(binding, VALUES[key], value)
      return true
    },
    has: (_, key) => members.includes(key as string),
    ownKeys: () => members,
    getOwnPropertyDescriptor: (_, key) =>
      members.includes(key as string)
        ? { configurable: true, enumerable: true, writable: true, value: undefined }
        : undefined,
  })
}

function layerValues(binding: Binding, name: string): LayerValues {
  const at = (key: string): number => {
    const { layers } = hookTable(binding)
    if (layers === 0) throw new NoHookError(name, 'the model has no attention from which its layers could be told', [])
    const index = Number(key) < 0 ? Number(key) + layers : Number(key)
    if (index >= 0 && index < layers) return index
    throw new IndexError(`There is no ${name}[${key}]: the model has ${layers} layers`, currentPosition())
  }
  return new Proxy({} as LayerValues, {
    get(target, key) {
      if (typeof key === 'symbol' || key === 'then') return undefined
      if (key === 'length') return hookTable(binding).layers
      if (/^-?\d+$/.test(key)) return readLayer(binding, name, at(key))
      if (isReadByTools(key)) return valueForTools(key, target)
      throw new NoSuchMemberError(`model.standard.${name}`, key, `write ${name}[0]`, currentPosition())
    },
    set(_, key, value) {
      if (!/^-?\d+$/.test(String(key)))
        throw new NotAssignableError(`${String(key)} of ${name}`, `write ${name}[0] = …`, currentPosition())
      writeLayer(binding, name, at(String(key)), value)
      return true
    },
  })
}

const LAYER_SIDES: Readonly<Record<string, Tap['direction']>> = { layers_input: 'in', layers_output: 'out' }

/** The tap of the layer's module, if there is one. In BERT it differs from the hook: the layer's output is the stream after a norm. */
function moduleTap(binding: Binding, name: string, index: number): Tap | undefined {
  const side = LAYER_SIDES[name]
  return side && hookTable(binding).layerTap(index, side)
}

function readLayer(binding: Binding, name: string, index: number): Tensor {
  const tap = moduleTap(binding, name, index)
  return tap ? readActivation(binding, tap) : readHook(binding, `blocks.${index}.${LAYER_NAMES[name]}`)
}

function writeLayer(binding: Binding, name: string, index: number, value: unknown): void {
  const tap = moduleTap(binding, name, index)
  if (tap) writeActivation(binding, tap, value as never)
  else writeHook(binding, `blocks.${index}.${LAYER_NAMES[name]}`, value)
}
