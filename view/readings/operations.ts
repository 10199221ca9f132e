import type { Model } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { resolvePath } from '../../runtime/names/resolve.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { GraphNode } from '../../runtime/onnx/graph/node.ts'
import type { OperationDescription, OperationsLists, OperationsRequest } from '../protocol/api.ts'
import { unreadable } from '../server/refusal.ts'

/** Lists the nodes of modules that none of their children contains. */
export function listOperations(model: Model, { paths }: OperationsRequest): OperationsLists {
  const { tree } = handleOf(model)!.binding.taps
  return {
    modules: paths.map(path => ({
      path,
      operations: resolvePath(tree.root, path).own.map(index => {
        const { name, opType } = tree.graph.nodes[index]
        return { node: name, opType }
      }),
    })),
  }
}

/** Finds a node of a module. @throws Refusal if it has no such node */
export function nodeOf(nodes: readonly GraphNode[], module: ModuleNode, name: string): GraphNode {
  const index = module.nodes.find(one => nodes[one].name === name)
  if (index === undefined) throw unreadable(`${module.path || 'The model'} has no node ${name}.`, 'choose another node')
  return nodes[index]
}

/** Describes a node: its operator and its attributes. */
export const describeNode = ({ name, opType, domain, proto }: GraphNode): OperationDescription => ({
  node: name,
  opType,
  domain,
  attributes: proto.attribute.map(({ name, f, i, s, t, g, floats, ints, strings }) => {
    if (g) return { name, value: `a graph of ${g.node.length} nodes` }
    if (t) return { name, value: `a tensor [${t.dims.join(', ')}]` }
    if (ints.length > 0) return { name, value: `[${ints.join(', ')}]` }
    if (floats.length > 0) return { name, value: `[${floats.map(short).join(', ')}]` }
    if (strings.length > 0) return { name, value: `[${strings.map(textOf).join(', ')}]` }
    if (s.length > 0) return { name, value: textOf(s) }
    return { name, value: f === 0 ? String(i) : short(f) }
  }),
})

const short = (value: number): string => String(Number(value.toPrecision(6)))
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
