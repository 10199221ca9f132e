import { create } from '@bufbuild/protobuf'
import { withFields } from '../../onnx/message/message.ts'
import { type NodeProto, NodeProtoSchema } from '../../onnx/schema/onnx_pb.ts'
import { OWN } from './own-names.ts'

/**
 * Pairs of a node and its reader that onnxruntime's FastGeluFusion and MatmulTransposeFusion fuse even if the first one's result is used
 * elsewhere: if it is an output of the graph the process ends, and another reader loses its input.
 */
const WRONGLY_FUSED = new Set(['Pow Mul', 'Mul Mul', 'Cast MatMul', 'Cast FusedMatMul'])

/**
 * Operators that ReshapeFusion fuses with a Reshape before them. If the Reshape's shape is computed, the fusion looks for the shape among the
 * new node's inputs, does not find it, and the session fails.
 */
const RESHAPES = new Set(['Reshape', 'Squeeze', 'Unsqueeze'])

/** The optimiser that would remove the shields. It must not run on a graph that has some. */
export const SHIELD_REMOVER = 'EliminateIdentity'

/**
 * Puts an Identity between such a pair if the value between them is used elsewhere, so that no fusion matches. The Identity copies nothing:
 * its result shares the value's memory. Returns the same array if there is no such pair.
 * @param outputs names of the session's outputs
 * @param read values that recorded nodes read; such a value is used elsewhere if it has a second reader
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
  const reshaped = read.size > 0 ? reshapedByComputed(nodes, read) : new Set<string>()
  const shields = new Map<string, NodeProto>()
  const shielded = nodes.map(node => {
    const isFused = (name: string): boolean =>
      WRONGLY_FUSED.has(`${makers.get(name)} ${node.opType}`) || (RESHAPES.has(node.opType) && reshaped.has(name))
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

/** The values among these that come from a Reshape whose shape another node computes. */
function reshapedByComputed(nodes: readonly NodeProto[], values: ReadonlySet<string>): Set<string> {
  const computed = new Set(nodes.flatMap(({ output }) => output))
  const found = nodes.filter(
    ({ opType, input, output }) => opType === 'Reshape' && values.has(output[0]) && computed.has(input[1]),
  )
  return new Set(found.map(({ output }) => output[0]))
}
