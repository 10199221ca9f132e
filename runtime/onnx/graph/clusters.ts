import { type Alignment, type Expansion, type FusedNode, isRefusal } from '../expansions/expansion.ts'
import { ruleFor } from '../expansions/index.ts'
import type { ModelProto, NodeProto, TensorProto } from '../schema/onnx_pb.ts'

/** Operators that take the lengths of rows, and no mask: they believe that every row begins at 0. */
export function takesLengths({ domain, opType }: Pick<NodeProto, 'domain' | 'opType'>): boolean {
  return domain === 'com.microsoft' && opType === 'GroupQueryAttention'
}

/** Of a fused node that must be written out and can't be: its name, and why. */
export class NotWrittenOut extends Error {}

/** What one node of a file becomes in the graph. */
export interface Written {
  readonly nodes: readonly NodeProto[]
  readonly expansion: Expansion | undefined
}

/** Whether a model has fused nodes that can be written out. */
export function hidesValues({ graph }: ModelProto): boolean {
  return graph?.node.some(({ domain, opType }) => ruleFor(domain, opType) !== undefined) ?? false
}

/** Writes out the fused nodes that have a rule. `nodes` come in running order, with unique names. */
export function writeOut(
  nodes: readonly { readonly node: NodeProto; readonly name: string }[],
  about: Pick<FusedNode, 'opset' | 'dimsOf' | 'typeOf' | 'taken'> & { readonly rows: Alignment },
): { written: Written[]; initializers: TensorProto[] } {
  const made = new Map<string, number>()
  nodes.forEach(({ node }, i) => {
    for (const name of node.output) made.set(name, i)
  })
  const rankOf = (value: string): number | undefined => {
    const known = about.dimsOf(value)?.length
    const maker = nodes[made.get(value) ?? -1]?.node
    if (known !== undefined || !maker) return known
    if (maker.opType === 'EmbedLayerNormalization') return maker.output[1] === value ? 1 : 3
    return maker.opType === 'Cast' || maker.opType === 'Identity' ? rankOf(maker.input[0]) : undefined
  }
  const initializers: TensorProto[] = []
  const written = nodes.map(({ node, name }): Written => {
    const rule = ruleFor(node.domain, node.opType)
    if (!rule) return { nodes: [node], expansion: undefined }
    const isLaterSecond = (made.get(node.input[1]) ?? -1) >= (made.get(node.input[0]) ?? -1)
    const result = rule({ ...about, proto: node, name, isLaterSecond, rankOf })
    if (isRefusal(result)) {
      if (about.rows === 'end' && takesLengths(node))
        throw new NotWrittenOut(`${name} (${node.opType}): ${result.refused}`)
      return { nodes: [node], expansion: undefined }
    }
    initializers.push(...result.initializers)
    return { nodes: result.nodes, expansion: result }
  })
  return { written, initializers }
}
