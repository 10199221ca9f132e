import { showDims } from '../../errors/tensor.ts'
import { type Axes, PROMPT } from '../axes.ts'
import { sizeOf, type TensorData } from '../dtypes/data.ts'
import type { TensorState } from '../state.ts'
import { alignedText, singleText } from './element-text.ts'
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

/** Formats the elements as NumPy does: in columns, in lines that fit the terminal. Long axes keep `edge` elements at either end; the ones between are not read. */
function format(tensor: TensorData, edge: number, axes: Axes | undefined): string {
  const element = elementReader(tensor)
  const { dims } = tensor
  if (dims.length === 0) return singleText(element(0))
  const shownOn = (length: number): number[] =>
    length <= 2 * edge
      ? Array.from({ length }, (_, i) => i)
      : Array.from({ length: 2 * edge }, (_, i) => (i < edge ? i : length - 2 * edge + i))
  const shown = new Map(offsetsOf(dims, shownOn).map(offset => [offset, element(offset)]))
  const elementText = alignedText([...shown.values()])
  const labels = labelsOf(axes, dims.length, shownOn)
  const width = terminalWidth()
  const build = (axis: number, from: number, prompt: number, indent: number): string => {
    const size = sizeOf(dims.slice(axis + 1))
    const own = labels(axis, prompt)
    const parts: string[] = []
    let last = -1
    for (const i of shownOn(dims[axis])) {
      if (i > last + 1) parts.push('…')
      last = i
      const label = own?.[i] ?? ''
      const within =
        axis === dims.length - 1
          ? elementText(shown.get(from + i)!)
          : build(axis + 1, from + i * size, labels.prompts === axis ? i : prompt, indent + 1 + label.length)
      parts.push(label + within)
    }
    if (axis < dims.length - 1)
      return `[${parts.join(`,${'\n'.repeat(Math.min(2, dims.length - 1 - axis))}${' '.repeat(indent + 1)}`)}]`
    return `[${wrapped(parts, indent + 1, width - dims.length - 1)}]`
  }
  return build(0, 0, 0, 0)
}

/** The offsets of all elements that are shown. */
const offsetsOf = (dims: readonly number[], shownOn: (length: number) => readonly number[]): number[] =>
  dims.reduce((offsets, length) => offsets.flatMap(from => shownOn(length).map(i => from * length + i)), [0])

/** Returns a function that gives the labels of an axis, in columns. Only the outermost axis with labels shows them: the keys of a pattern are the same tokens as its rows. */
function labelsOf(axes: Axes | undefined, rank: number, shownOn: (length: number) => readonly number[]) {
  const prompts = axes?.findIndex(({ name }) => name === PROMPT) ?? -1
  const labelled = axes?.findIndex(({ labels, labelsByPrompt }) => labels ?? labelsByPrompt) ?? -1
  const labelsAt = (axis: number, prompt: number): readonly string[] | undefined => {
    if (axis !== labelled) return undefined
    const labels = axes?.[axis].labels ?? axes?.[axis].labelsByPrompt?.[prompt]
    const texts = labels?.map(label => JSON.stringify(label))
    if (!texts || axis === rank - 1) return texts?.map(text => `${text}: `)
    const width = Math.max(...shownOn(texts.length).map(i => texts[i].length))
    return texts.map(text => `${text.padEnd(width)} `)
  }
  return Object.assign(labelsAt, { prompts })
}

/** Joins parts by commas, with a line break before a part that would go beyond the width, which leaves room for the brackets at the end. */
function wrapped(parts: readonly string[], indent: number, width: number): string {
  let text = ''
  let column = indent
  parts.forEach((part, i) => {
    if (i > 0 && column + 1 + part.length > width) {
      text += `\n${' '.repeat(indent)}`
      column = indent
    } else if (i > 0) {
      text += ' '
      column++
    }
    text += part + (i < parts.length - 1 ? ',' : '')
    column += part.length + 1
  })
  return text
}

/** How many characters a line of the terminal has; 80 where there is none. */
function terminalWidth(): number {
  const { process } = globalThis as { readonly process?: { readonly stdout?: { readonly columns?: number } } }
  return process?.stdout?.columns || 80
}
