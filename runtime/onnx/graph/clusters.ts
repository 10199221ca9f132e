import { type Alignment, type Expansion, type FusedNode, isRefusal } from '../expansions/expansion.ts'
import { ruleFor } from '../expansions/index.ts'
import type { ModelProto, NodeProto, TensorProto } from '../schema/onnx_pb.ts'

/** Whether an operator takes the length of each row and no mask. It assumes that every row begins at position 0. */
export function takesLengths({ domain, opType }: Pick<NodeProto, 'domain' | 'opType'>): boolean {
  return domain === 'com.microsoft' && opType === 'GroupQueryAttention'
}

/** A fused node must be expanded and can't be. The message has its name and the reason. */
export class ExpansionRefused extends Error {}

/** The nodes of the graph that one node of the file becomes. */
export interface ExpandedNode {
  readonly nodes: readonly NodeProto[]
  readonly expansion: Expansion | undefined
}

/** Whether a model has fused nodes that can be expanded. */
export function hasExpandableNodes({ graph }: ModelProto): boolean {
  return graph?.node.some(({ domain, opType }) => ruleFor(domain, opType) !== undefined) ?? false
}

/** Expands the fused nodes that have a rule. `nodes` are in running order, with unique names. @throws ExpansionRefused */
export function expandFusedNodes(
  nodes: readonly { readonly node: NodeProto; readonly name: string }[],
  context: Pick<FusedNode, 'opset' | 'dimsOf' | 'typeOf' | 'taken'> & { readonly rows: Alignment },
): { expanded: ExpandedNode[]; initializers: TensorProto[] } {
  const producers = new Map<string, number>()
  nodes.forEach(({ node }, i) => {
    for (const name of node.output) producers.set(name, i)
  })
  const rankOf = (value: string): number | undefined => {
    const known = context.dimsOf(value)?.length
    const maker = nodes[producers.get(value) ?? -1]?.node
    if (known !== undefined || !maker) return known
    if (maker.opType === 'EmbedLayerNormalization') return maker.output[1] === value ? 1 : 3
    return maker.opType === 'Cast' || maker.opType === 'Identity' ? rankOf(maker.input[0]) : undefined
  }
  const initializers: TensorProto[] = []
  const expanded = nodes.map(({ node, name }): ExpandedNode => {
    const rule = ruleFor(node.domain, node.opType)
    if (!rule) return { nodes: [node], expansion: undefined }
    const isLaterSecond = (producers.get(node.input[1]) ?? -1) >= (producers.get(node.input[0]) ?? -1)
    const result = rule({ ...context, proto: node, name, isLaterSecond, rankOf })
    if (isRefusal(result)) {
      if (context.rows === 'end' && takesLengths(node))
        throw new ExpansionRefused(`${name} (${node.opType}): ${result.refused}`)
      return { nodes: [node], expansion: undefined }
    }
    initializers.push(...result.initializers)
    return { nodes: result.nodes, expansion: result }
  })
  return { expanded: expanded, initializers }
}
