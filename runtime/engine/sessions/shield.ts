import { create } from '@bufbuild/protobuf'
import { withFields } from '../../onnx/message/message.ts'
import { type NodeProto, NodeProtoSchema } from '../../onnx/schema/onnx_pb.ts'
import { OWN } from './own-names.ts'

/**
 * Pairs of a node and its reader that onnxruntime's FastGeluFusion and MatmulTransposeFusion take into one node without asking who else
 * wants the first one's result: as an output of the graph it ends the process, and another reader is left without its input.
 */
const fusedUnasked = new Set(['Pow Mul', 'Mul Mul', 'Cast MatMul', 'Cast FusedMatMul'])

/** The optimiser that must not run where nodes are shielded: it takes the shields away. */
export const SHIELD_REMOVER = 'EliminateIdentity'

/**
 * Puts an Identity between such a pair where the value between is wanted elsewhere: no pattern goes through it, and it copies nothing,
 * as its result shares the value's memory. Gives the nodes as they were where none is.
 * @param outputs names of what the session gives
 * @param read what recorded nodes read: wanted elsewhere where it has another reader
 */
export function shield(
  nodes: readonly NodeProto[],
  outputs: readonly string[],
  read: ReadonlySet<string>,
): readonly NodeProto[] {
  const wanted = new Set(outputs)
  if (read.size > 0) {
    const seen = new Set<string>()
    for (const { input } of nodes)
      for (const name of new Set(input)) {
        if (seen.has(name) && read.has(name)) wanted.add(name)
        seen.add(name)
      }
  }
  const makers = new Map<string, string>()
  for (const { opType, output } of nodes) if (wanted.has(output[0])) makers.set(output[0], opType)
  const shields = new Map<string, NodeProto>()
  const shielded = nodes.map(node => {
    const isFused = (name: string): boolean => fusedUnasked.has(`${makers.get(name)} ${node.opType}`)
    if (!node.input.some(isFused)) return node
    const input = node.input.map(name => {
      if (!isFused(name)) return name
      const output = `${OWN}shielded ${name}`
      shields.set(name, create(NodeProtoSchema, { name: output, opType: 'Identity', input: [name], output: [output] }))
      return output
    })
    return withFields(node, { input })
  })
  return shields.size === 0 ? nodes : [...shielded, ...shields.values()]
}
