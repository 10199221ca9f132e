import type { Declared } from '../../runtime/index.ts'

/** Says in words what a model takes and gives, as far as its inputs and outputs say it. */
export function kindOf(inputs: readonly Declared[], ids: string | undefined, logits: string | undefined): string {
  const others = inputs.filter(({ name }) => name !== ids)
  if (ids === undefined) return isOf(inputs, PICTURES) ? PICTURES : isOf(inputs, SOUND) ? SOUND : 'model of tensors'
  if (others.some(({ name }) => /^encoder_(hidden_states|outputs)/.test(name))) return 'decoder that reads an encoder'
  if (logits === undefined) {
    const second = isOf(others, PICTURES) ? ' and images' : isOf(others, SOUND) ? ' and sound' : ''
    return `encoder of text${second}`
  }
  if (others.some(({ name }) => name === 'input_ids')) return 'encoder of text and decoder'
  if (isOf(others, SOUND)) return 'encoder of sound and decoder of text'
  return isOf(others, PICTURES) ? 'language model that reads images' : 'language model'
}

const PICTURES = 'model of images'
const SOUND = 'model of sound'

const isOf = (inputs: readonly Declared[], what: typeof PICTURES | typeof SOUND): boolean =>
  inputs.some(what === PICTURES ? isPicture : ({ name }) => /input_features|input_values|waveform|audio/i.test(name))

/** Whether an input has the dims of images: four, of which one is that of 1 or 3 colours. */
function isPicture({ type, dims = [] }: Declared): boolean {
  if (dims.length !== 4 || !/float|uint8/.test(type)) return false
  return [dims[1], dims[3]].some(size => size === 1 || size === 3)
}
