import type { Module } from '../../runtime/model/modules/module.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { StudiedModel } from '../model/studied-model.ts'

/** A part of every layer that studies read and replace. */
export type Part = 'residual' | 'attention' | 'mlp'

/** A place in a layer, in the current trace: `[row, position, …]`. */
export interface Site {
  read(): Tensor
  write(value: Tensor): void
}

/** The site of a part in a layer. "residual" is the stream that enters the layer. @throws StudyError */
export function siteOf(studied: StudiedModel, part: Part, layer: number): Site {
  const { layers } = studied.lens()
  const own = studied.module(layers[layer].path)
  if (part === 'residual') {
    // What leaves a layer enters the next one; a layer's own input may be split over several values.
    if (layer === 0) return at(own, 'input')
    return at(studied.module(layers[layer - 1].path), 'output')
  }
  const found = own.modules.filter(({ path }) => NAMES[part].test(path.slice(own.path.length + 1)))
  if (found.length !== 1)
    throw studied.error(
      `${found.length === 0 ? 'no' : 'more than one'} module of ${own.path} is called ${part === 'mlp' ? 'an MLP' : 'an attention'}.`,
      'look at its modules: console.log(String(model))',
    )
  return at(found[0], 'output')
}

const at = (module: Module, point: 'input' | 'output'): Site => ({
  read: () => module[point],
  write(value) {
    module[point] = value
  },
})

const NAMES: Readonly<Record<Exclude<Part, 'residual'>, RegExp>> = {
  attention: /attn|attention/i,
  mlp: /mlp|feed_?forward|ffn/i,
}
