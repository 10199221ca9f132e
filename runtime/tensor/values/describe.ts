import { showDims } from '../../errors/tensor.ts'
import { sizeOf, type TensorData } from '../dtypes/data.ts'
import type { TensorState } from '../state.ts'
import { elementReader } from './nested.ts'

/** A tensor as people read it: its elements if they are computed, else its dtype, its dims and how to get the elements. */
export function describe(tensor: TensorState): string {
  const shape = knownShape(tensor)
  const { computed } = tensor
  if (computed) {
    const elements = format(computed, sizeOf(computed.dims) > 1000 ? 3 : Number.POSITIVE_INFINITY)
    return `Tensor(${computed.type} ${shape}\n${elements})`
  }
  const state = tensor.isOnlyScanned
    ? 'scanned: no value'
    : tensor.isReleased
      ? 'its trace has ended, and it was not saved'
      : 'not computed: await h.value(), or save(h)'
  return `Tensor(${tensor.label}, ${tensor.recorded.type} ${shape}, ${state})`
}

function knownShape(tensor: TensorState): string {
  try {
    return showDims(tensor.dimsForCaller())
  } catch {
    return '[?]'
  }
}

/** Long axes keep `edge` elements at either end; what is left out is not even read. */
function format(tensor: TensorData, edge: number): string {
  const element = elementReader(tensor)
  const { dims } = tensor
  const build = (axis: number, from: number): string => {
    if (axis === dims.length) return formatElement(element(from))
    const length = dims[axis]
    const size = sizeOf(dims.slice(axis + 1))
    const parts: string[] = []
    for (let i = 0; i < length; i++) {
      if (i === edge && length > 2 * edge) {
        parts.push('…')
        i = length - edge
      }
      parts.push(build(axis + 1, from + i * size))
    }
    return `[${parts.join(axis === dims.length - 1 ? ', ' : `,\n${' '.repeat(axis + 1)}`)}]`
  }
  return build(0, 0)
}

function formatElement(value: number | bigint | boolean | string): string {
  if (typeof value === 'number' && !Number.isInteger(value)) return Number(value.toPrecision(5)).toString()
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
