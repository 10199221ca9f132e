import { Attributes } from './attributes.ts'
import type { Expansion, FusedNode } from './expansion.ts'
import { layerNormalization } from './layer-normalization.ts'
import { PlainNodes } from './plain-nodes.ts'

/** The index of the operator's output for the sum, `embedding_sum`. */
const SUM = 2

/**
 * com.microsoft EmbedLayerNormalization (microsoft/onnxruntime, docs/ContribOperators.md). It adds rows of the tables for words, for positions
 * and, if there is one, for segments, and normalises the sum. Without position ids, positions count from 0. The second output is each row's
 * length, which its mask says.
 */
export function embedLayerNormalization(node: FusedNode): Expansion {
  const [ids, segmentIds, words, positions, segments, gamma, beta, mask = '', positionIds = ''] = node.proto.input
  const [output, lengths = '', sumName = ''] = node.proto.output
  const plain = new PlainNodes(node)
  const rows = (table: string, at: string, role: string): string => plain.add('Gather', [table, at], { axis: 0 }, role)
  const places = positionIds || plain.range(plain.sizeOf(ids, 1, 'tokens'), 'positions')
  const hasSegments = Boolean(segmentIds && segments)
  const parts = [rows(words, ids, 'words'), rows(positions, places, 'position_rows')]
  const two = plain.add('Add', parts, {}, hasSegments ? 'words_and_positions' : 'sum', hasSegments ? '' : sumName)
  const sum = hasSegments
    ? plain.add('Add', [two, rows(segments, segmentIds, 'segment_rows')], {}, 'sum', sumName)
    : two
  // The norm belongs to one module, and the nodes before it to others.
  const before = plain.nodes.flatMap(({ output }) => output)
  const epsilon = new Attributes(node.proto).float('epsilon', 1e-12)
  layerNormalization(plain, node.opset, { x: sum, gamma, beta, epsilon, as: output })
  if (lengths) rowLengths(plain, ids, mask, lengths)
  return {
    nodes: plain.nodes,
    initializers: plain.initializers,
    placedByNeighbours: before,
    optional: sumName ? new Map<string, number>() : new Map([[sum, SUM]]),
  }
}

/** Int32: the number of ones in each row's mask; 0 without a mask. */
function rowLengths(plain: PlainNodes, ids: string, mask: string, as: string): void {
  const ones = mask ? plain.castTo(plain.add('Equal', [mask, plain.int32(1)]), 'INT32') : plain.castTo(ids, 'INT32')
  const counted = mask ? ones : plain.add('Mul', [ones, plain.int32(0)])
  plain.reduceSum(counted, 1, as)
}
