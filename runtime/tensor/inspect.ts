import { showDims } from '../errors/tensor.ts'
import { sizeOf } from './data.ts'
import { toNested } from './nested.ts'
import type { NestedList, Tensor } from './tensor.ts'

/** As a person wants to see it: the values if they are here, else what is known and how to get them. */
export function describe(tensor: Tensor): string {
  const shape = knownShape(tensor)
  if (!tensor.computed)
    return `Tensor(${tensor.label}, ${tensor.type} ${shape}, not computed: await h.value(), or save(h))`
  const held = tensor.held()
  const values = format(toNested(held), sizeOf(held.dims) > 1000 ? 3 : Number.POSITIVE_INFINITY, '')
  return `Tensor(${tensor.type} ${shape}\n${values})`
}

function knownShape(tensor: Tensor): string {
  try {
    return showDims(tensor.dims)
  } catch {
    return '[?]'
  }
}

/** Long axes keep `edge` elements at either end. */
function format(list: NestedList, edge: number, indent: string): string {
  if (!Array.isArray(list)) return formatElement(list)
  const shown: (NestedList | '…')[] =
    list.length > 2 * edge ? [...list.slice(0, edge), '…', ...list.slice(-edge)] : list
  const deep = list.some(Array.isArray)
  const parts = shown.map(item => (item === '…' ? '…' : format(item, edge, indent + ' ')))
  return `[${parts.join(deep ? `,\n${indent} ` : ', ')}]`
}

function formatElement(value: number | bigint | boolean | string): string {
  if (typeof value === 'number' && !Number.isInteger(value)) return Number(value.toPrecision(5)).toString()
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
