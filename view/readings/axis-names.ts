import type { Tensor } from '../../runtime/index.ts'
import type { Binding } from '../../runtime/model/modules/binding.ts'
import { attentionsOf } from '../../runtime/model/modules/heads/attention-of.ts'
import { isAttention } from '../../runtime/names/heads/attention.ts'
import type { Axis } from '../../runtime/names/heads/layout.ts'
import { knownAxes } from '../../runtime/tensor/axes.ts'
import type { SentAxis } from '../protocol/api.ts'
import { MAX_FACETS } from './map.ts'

/**
 * What the axes of a value stand for, as far as it is known: from the model's tokens, its heads, the names of its open dims and its
 * convolutions.
 * @param value the value's name in the graph
 */
export function axesOfValue(binding: Binding, value: string, tensor: Tensor, batch: number): SentAxis[] {
  const { dims } = tensor
  const labelled = knownAxes(tensor)
  const sources = [namesInHeads, namesOfImage, namesOfDims].map(namesOf => namesOf(binding, value, dims.length) ?? [])
  const names = dims.map((_, axis) => labelled?.[axis].name ?? sources.find(found => found[axis])?.[axis])
  // What is neither a prompt nor a token is a channel, if it is the only one.
  if (names.length === 3 && names[1] === 'token') names[2] ??= 'channel'
  return names.map((name, axis) => {
    const { labels, labelsByPrompt } = labelled?.[axis] ?? {}
    const texts = (labels ?? labelsByPrompt?.[batch])?.slice(0, MAX_FACETS)
    return { ...(name ? { name } : {}), ...(texts ? { labels: texts } : {}) }
  })
}

type NamesOf = (binding: Binding, value: string, rank: number) => readonly (string | undefined)[] | undefined

const inHeads: Partial<Record<Axis, string>> = { kv: 'head of keys', width: 'channel', group: 'head of the group' }

/** The names that the parts of heads have: `batch`, `head`, `query`, `key`. An axis that was merged from several is one of channels. */
const namesInHeads: NamesOf = (binding, value, rank) => {
  const { root } = binding.taps.tree
  const places = attentionsOf(binding)
    .in(root)
    .filter(isAttention)
    .flatMap(attention => [...attention.places.values()])
  const layout = places.find(place => place.value === value)?.layout
  if (layout?.length !== rank) return undefined
  return layout.map(axes =>
    axes.length === 1 ? (inHeads[axes[0]] ?? axes[0]) : axes.includes('width') ? 'channel' : undefined,
  )
}

/** The open dims of the model's own inputs and outputs have names. */
const namesOfDims: NamesOf = ({ taps }, value) => {
  const { inputs, outputs } = taps.tree.graph
  const own = [...inputs, ...outputs].find(({ name }) => name === value)
  return own?.dims?.map(dim =>
    typeof dim === 'string' && /^[a-z][a-z_]*$/i.test(dim) ? dim.replaceAll('_', ' ') : undefined,
  )
}

/** Operators whose result, and first input, have channels before the axes of space. */
const OF_SPACE = /^(Conv|ConvTranspose|QLinearConv|FusedConv|MaxPool|AveragePool|GlobalAveragePool|BatchNormalization)$/
/** Operators that keep the axes of their first input. */
const KEEPS =
  /^(Relu|LeakyRelu|PRelu|Elu|Sigmoid|HardSigmoid|HardSwish|Tanh|Clip|Add|Sub|Mul|Div|Dropout|Identity|Cast|QuantizeLinear|DequantizeLinear)$/
/** How many operators are looked at. */
const MAX_STEPS = 12

const SPACE = ['depth', 'height', 'width']

const namesOfImage: NamesOf = ({ taps }, value, rank) => {
  if (rank < 3 || rank > 5) return undefined
  const { producer, nodes } = taps.tree.graph
  let node = producer.get(value)?.node
  for (let steps = 0; node && KEEPS.test(node.opType) && steps < MAX_STEPS; steps++)
    node = producer.get(node.inputs[0])?.node
  const isOfSpace =
    (node && OF_SPACE.test(node.opType)) || nodes.some(one => OF_SPACE.test(one.opType) && one.inputs[0] === value)
  if (!isOfSpace) return undefined
  return ['batch', 'channel', ...(rank === 3 ? ['position'] : SPACE.slice(5 - rank))]
}
