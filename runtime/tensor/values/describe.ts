import { showDims } from '../../errors/tensor.ts'
import { type Axes, PROMPT } from '../axes.ts'
import { sizeOf, type TensorData } from '../dtypes/data.ts'
import type { TensorState } from '../state.ts'
import { elementReader } from './nested.ts'

/** Describes a tensor for people: its elements if they are computed, else its dtype, its dims and how to get the elements. */
export function describe(tensor: TensorState, axes: Axes | undefined): string {
  const shape = knownShape(tensor, axes)
  const { computed } = tensor
  if (computed) {
    const elements = format(computed, sizeOf(computed.dims) > 1000 ? 3 : Number.POSITIVE_INFINITY, axes)
    return `Tensor(${computed.type} ${shape}\n${elements})`
  }
  const state = tensor.isOnlyScanned
    ? 'scanned: no value'
    : tensor.isReleased
      ? 'its trace has ended, and it was not saved'
      : 'not computed: await h.value(), or save(h)'
  return `Tensor(${tensor.label}, ${tensor.recorded.type} ${shape}, ${state})`
}

/** The dims. The name of an axis, if it has one, comes before its dim. */
function knownShape(tensor: TensorState, axes: Axes | undefined): string {
  try {
    const dims = tensor.dimsForCaller()
    if (!axes) return showDims(dims)
    return `[${dims.map((dim, i) => `${axes[i].name === undefined ? '' : `${axes[i].name} `}${dim ?? '?'}`).join(', ')}]`
  } catch {
    return '[?]'
  }
}

/** Formats the elements. Long axes keep `edge` elements at either end, and the ones between are not even read. */
function format(tensor: TensorData, edge: number, axes: Axes | undefined): string {
  const element = elementReader(tensor)
  const { dims } = tensor
  const prompts = axes?.findIndex(({ name }) => name === PROMPT) ?? -1
  const labelled = axes?.findIndex(({ labels, labelsByPrompt }) => labels ?? labelsByPrompt) ?? -1
  const shown = (i: number, length: number): boolean => length <= 2 * edge || i < edge || i >= length - edge
  const labelsAt = (axis: number, prompt: number): readonly string[] | undefined => {
    // Only the outermost axis with labels shows them: the keys of a pattern are the same tokens as its rows.
    if (axis !== labelled) return undefined
    const labels = axes?.[axis].labels ?? axes?.[axis].labelsByPrompt?.[prompt]
    const texts = labels?.map(label => JSON.stringify(label))
    if (!texts || axis === dims.length - 1) return texts?.map(text => `${text}: `)
    const width = Math.max(...texts.filter((_, i) => shown(i, texts.length)).map(text => text.length))
    return texts.map(text => `${text.padEnd(width)} `)
  }
  const build = (axis: number, from: number, prompt: number): string => {
    if (axis === dims.length) return formatElement(element(from))
    const length = dims[axis]
    const size = sizeOf(dims.slice(axis + 1))
    const labels = labelsAt(axis, prompt)
    const parts: string[] = []
    for (let i = 0; i < length; i++) {
      if (!shown(i, length)) {
        parts.push('…')
        i = length - edge
      }
      const part = build(axis + 1, from + i * size, axis === prompts ? i : prompt)
      const label = labels?.[i] ?? ''
      parts.push(label + part.replaceAll('\n', `\n${' '.repeat(label.length)}`))
    }
    return `[${parts.join(axis === dims.length - 1 ? ', ' : `,\n${' '.repeat(axis + 1)}`)}]`
  }
  return build(0, 0, 0)
}

function formatElement(value: number | bigint | boolean | string): string {
  if (typeof value === 'number' && !Number.isInteger(value)) return Number(value.toPrecision(5)).toString()
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
