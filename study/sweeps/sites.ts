import type { Module } from '../../runtime/model/modules/module.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { Prompts, StudiedModel } from '../model/studied-model.ts'

/** A part of a layer that studies read and replace as a whole. */
export type LayerPart = 'residual' | 'attention' | 'mlp'

/** A part of a head. */
export type HeadPart = 'head' | 'query' | 'key' | 'value' | 'pattern'

/** A part that studies read and replace in every layer. */
export type Part = LayerPart | HeadPart

export const parts: readonly Part[] = ['residual', 'attention', 'mlp', 'head', 'query', 'key', 'value', 'pattern']

export const isHeadPart = (part: Part): part is HeadPart => Object.hasOwn(HEADS, part)

/** The name of each part in `Head`. */
const HEADS = { head: 'z', query: 'q', key: 'k', value: 'v', pattern: 'pattern' } as const

/** The words for each part in titles. */
export const wordsFor: Readonly<Record<Part, string>> = {
  residual: 'the residual stream',
  attention: 'the attention’s output',
  mlp: 'the MLP’s output',
  head: 'each head',
  query: 'each head’s queries',
  key: 'each head’s keys',
  value: 'each head’s values',
  pattern: 'each head’s pattern',
}

/** A place in a layer that can be read and written in the current trace: `[row, token, …]`. */
export interface Site {
  read(): Tensor
  write(value: Tensor): void
}

/** The place of a part: a member of a module, or of a module's heads. */
export interface PartPlace {
  readonly path: string
  readonly member: 'input' | 'output' | (typeof HEADS)[HeadPart]
}

/** The place of a part in a layer, in the current trace. @throws StudyError */
export function placeOf(studied: StudiedModel, part: Part, layer: number): PartPlace {
  const { layers } = studied.lens()
  const { path } = layers[layer]
  if (isHeadPart(part)) return { path: studied.withHeads(path).path, member: HEADS[part] }
  if (part !== 'residual') return { path: moduleOf(studied, part, studied.module(path)).path, member: 'output' }
  // A layer's output is the next layer's input. The input itself may be split over several values.
  return layer === 0 ? { path, member: 'input' } : { path: layers[layer - 1].path, member: 'output' }
}

/**
 * The site of a part in a layer. "residual" is the stream that enters the layer, `[row, token, width]`. A part of heads is that of all heads,
 * `[row, token, head, width]`; patterns are `[row, head, query, key]`. @throws StudyError, NoHeadsError
 */
export function siteOf(studied: StudiedModel, part: Part, layer: number): Site {
  const hook = hookFor(studied, part, layer)
  if (hook !== undefined) {
    const { hooks } = studied.model
    return {
      read: () => hooks[hook],
      write(value) {
        hooks[hook] = value
      },
    }
  }
  const { path, member } = placeOf(studied, part, layer)
  const module = studied.module(path)
  if (member === 'input' || member === 'output')
    return {
      read: () => module[member],
      write(value) {
        module[member] = value
      },
    }
  return {
    read: () => module.heads[member],
    write(value) {
      module.heads[member] = value
    },
  }
}

/** The attention or the MLP of a layer. @throws StudyError */
function moduleOf(studied: StudiedModel, part: 'attention' | 'mlp', layer: Module): Module {
  const found = modulesCalled(part, layer)
  if (found.length === 1) return found[0]
  throw studied.error(
    `${found.length === 0 ? 'no' : 'more than one'} module of ${layer.path} is called ${part === 'mlp' ? 'an MLP' : 'an attention'}.`,
    'look at its modules: console.log(String(model))',
  )
}

/** How many heads of a part each layer has: several heads may share their keys and values. By a scan, without a run. */
export async function headCounts(
  studied: StudiedModel,
  part: Part,
  { alone: [inputs] }: Prompts,
  heads: readonly number[],
): Promise<readonly number[]> {
  if (part !== 'key' && part !== 'value') return heads
  return studied.model.scan(inputs, () =>
    heads.map((count, layer) => (count > 0 ? (siteOf(studied, part, layer).read().dims[2] ?? count) : 0)),
  )
}

/** The layers that have heads. @param heads the number of heads in each layer */
export const layersWithHeads = (heads: readonly number[]): number[] =>
  heads.flatMap((count, layer) => (count > 0 ? [layer] : []))

/** The layers that have an attention, or an MLP. They are found by a scan, without a run. @throws StudyError */
export function layersWith(
  studied: StudiedModel,
  part: 'attention' | 'mlp',
  { alone: [inputs] }: Prompts,
): Promise<number[]> {
  return studied.model.scan(inputs, () =>
    studied.lens().layers.flatMap((_, layer) => (hasPart(studied, part, layer) ? [layer] : [])),
  )
}

/** Whether a layer has an attention, or an MLP, in the current trace. */
export const hasPart = (studied: StudiedModel, part: 'attention' | 'mlp', layer: number): boolean =>
  modulesCalled(part, studied.module(studied.lens().layers[layer].path)).length > 0 ||
  hookFor(studied, part, layer) !== undefined

const modulesCalled = (part: 'attention' | 'mlp', layer: Module): Module[] =>
  layer.modules.filter(({ path }) => NAMES[part].test(path.slice(layer.path.length + 1)))

/**
 * The hook of an attention or an MLP that is no module of its own, as in OPT and Whisper, where a layer has the MLP's linear layers itself;
 * undefined for any other part. Hooks count layers with an attention, so all layers need one.
 */
function hookFor(studied: StudiedModel, part: Part, layer: number): string | undefined {
  if (part !== 'attention' && part !== 'mlp') return undefined
  const { layers } = studied.lens()
  if (modulesCalled(part, studied.module(layers[layer].path)).length > 0) return undefined
  const { hooks } = studied.model
  const isCounted =
    `blocks.${layers.length - 1}.hook_resid_pre` in hooks && !(`blocks.${layers.length}.hook_resid_pre` in hooks)
  const name = `blocks.${layer}.hook_${part === 'mlp' ? 'mlp' : 'attn'}_out`
  return isCounted && name in hooks ? name : undefined
}

const NAMES: Readonly<Record<'attention' | 'mlp', RegExp>> = {
  attention: /^(self_?)?(attn|attention)$/i,
  mlp: /^(mlp|feed_?forward|ffn)$/i,
}
