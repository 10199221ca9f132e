import type { Tap } from '../../runtime/graph/expression.ts'
import { readActivation, writeActivation } from '../../runtime/model/modules/activation.ts'
import type { DataType } from '../../runtime/tensor/dtypes/dtype.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { Side } from '../side.ts'

/** The tap at which a value is read and replaced: its module's output, or its node's output if the module itself reads the value too. */
function tapOf({ taps, tree, graph }: Side, value: string): Tap {
  const node = graph.producer.get(value)?.node
  if (!node) return taps.tensorTap(value)
  const scope = tree.scopeOf(node)
  const inside = new Set(scope.nodes)
  const isReadInside = (graph.consumers.get(value) ?? []).some(({ index }) => inside.has(index))
  return (isReadInside ? undefined : taps.find(scope.path, 'out', value)) ?? taps.tensorTap(value)
}

/** Reads a value in the current trace. */
export const readValue = (side: Side, value: string): Tensor => readActivation(side.binding, tapOf(side, value))

/** Replaces a value for all its readers in the current trace. It is written in the dtype in which it is read: a quantised one as floats. */
export function writeValue(side: Side, value: string, written: Tensor): void {
  writeActivation(side.binding, tapOf(side, value), written.to(writtenType(side, value)))
}

/** The dtype in which a value is read and written. */
export function writtenType({ shapes }: Side, value: string): DataType {
  const type = shapes.get(value)?.type
  return type?.includes('float') ? (type as DataType) : 'float32'
}
