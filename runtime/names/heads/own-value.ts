import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Flow } from './flow.ts'
import { isApart } from './head-axes.ts'
import type { Labelled, Layout } from './layout.ts'

/**
 * The value nearest to the projection that no other part shares and whose heads have one axis. It has the projection's bias, and separate axes for batch and positions, as
 * far as there is such a value.
 */
export function own(flow: Flow, known: readonly Labelled[], shared: ReadonlySet<string>): Labelled | undefined {
  const isOne = (layout: Layout): boolean => !layout.some(axes => ['packed', 'group'].includes(String(axes)))
  const alone = known.filter(({ value, layout }) => !shared.has(value) && isOne(layout))
  let at = alone.length - 1
  while (at > 0 && (!isApart(alone[at].layout) || completes(flow, alone[at].nodes))) at--
  return alone[at]
}

/** Whether these nodes belong to the product before them: they add its bias, or scale integers. */
function completes(flow: Flow, nodes: readonly GraphNode[]): boolean {
  const [node] = nodes
  if (nodes.length !== 1) return false
  if (node.opType === 'Cast' || node.opType === 'DequantizeLinear') return true
  const other = node.inputs.find(input => !flow.activations(node).includes(input))
  if (other === undefined) return false
  if (node.opType === 'Add') return flow.isConstant(other)
  return node.opType === 'Mul' && !flow.isConstant(other)
}
