import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { classic } from './classic.ts'
import { dynamo } from './dynamo.ts'
import type { NamingScheme } from './scheme.ts'
import { slashed } from './slashed.ts'

/** The scheme for graphs whose node names tell no modules, such as those of Paddle and sklearn, and hand-made ones. */
export const flat: NamingScheme = { name: 'flat', scopeOf: () => undefined, placeIn: (_path, name) => ({ name }) }

const schemes = [dynamo, classic, slashed]

/** The scheme that finds a module for the most nodes; `flat` if none finds one for at least a third. */
export function schemeOf(graph: OnnxGraph): NamingScheme {
  let best = flat
  let most = graph.nodes.length / 3
  for (const scheme of schemes) {
    const count = graph.nodes.filter(node => namesModuleOf(scheme, node)).length
    if (count > most) {
      most = count
      best = scheme
    }
  }
  return best
}

function namesModuleOf(scheme: NamingScheme, node: GraphNode): boolean {
  const original = node.cluster?.fused ?? node
  const scope = scheme.scopeOf(original) ?? scheme.scopeOfValue?.(original.outputs[0])
  return (scope?.path.length ?? 0) > 0
}
