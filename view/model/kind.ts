import type { Declared } from '../../runtime/index.ts'

/** Says in words what a model takes and gives, as far as its inputs and outputs say it. */
export function kindOf(inputs: readonly Declared[], ids: string | undefined, logits: string | undefined): string {
  const others = inputs.filter(({ name }) => name !== ids)
  if (ids !== undefined && others.some(({ name }) => /^encoder_(hidden_states|outputs)/.test(name)))
    return 'decoder that reads an encoder'
  if (ids !== undefined) return logits === undefined ? 'encoder of text' : 'language model'
  if (inputs.some(isPicture)) return 'model of images'
  if (inputs.some(({ name }) => /input_features|input_values|waveform|audio/i.test(name))) return 'model of sound'
  return 'model of tensors'
}

/** Whether an input has the dims of images: four, of which one is that of 1 or 3 colours. */
function isPicture({ type, dims = [] }: Declared): boolean {
  if (dims.length !== 4 || !/float|uint8/.test(type)) return false
  return [dims[1], dims[3]].some(size => size === 1 || size === 3)
}
