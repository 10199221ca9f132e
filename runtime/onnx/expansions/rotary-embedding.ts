import { Attributes } from './attributes.ts'
import type { Expansion, FusedNode, Refusal } from './expansion.ts'
import { PlainNodes } from './plain-nodes.ts'
import { rotate } from './rotary.ts'

/** The inputs of the two operators of this name, which have them in different order. */
interface Given {
  readonly x: string
  readonly cos: string
  readonly sin: string
  /** '' if the tables already have one row for each token. */
  readonly positions: string
}

/** com.microsoft RotaryEmbedding (microsoft/onnxruntime, docs/ContribOperators.md). It takes the position of each token, or that of the first. */
export function microsoftRotary(node: FusedNode): Expansion | Refusal {
  const [x, positions, cos, sin] = node.proto.input
  const attributes = new Attributes(node.proto)
  if (attributes.int('is_packed_batching', 0) === 1) return { refused: 'is_packed_batching' }
  if (attributes.float('scale', 1) !== 1) return { refused: 'a scale' }
  const rank = node.dimsOf(positions)?.length
  if (rank === undefined) return { refused: 'positions whose rank is not known' }
  return turned(node, { x, cos, sin, positions }, rank === 1)
}

/** ai.onnx RotaryEmbedding of opset 23 (onnx/onnx, docs/Operators.md). */
export function standardRotary(node: FusedNode): Expansion | Refusal {
  const [x, cos, sin, positions = ''] = node.proto.input
  return turned(node, { x, cos, sin, positions }, false)
}

function turned(node: FusedNode, { x, cos, sin, positions }: Given, isFirst: boolean): Expansion | Refusal {
  const { proto } = node
  const attributes = new Attributes(proto)
  const heads = attributes.int('num_heads', 0)
  const rank = node.rankOf(x)
  if (rank === undefined && heads === 0) return { refused: 'an input whose rank is not known' }
  const half = node.dimsOf(cos)?.at(-1)
  if (typeof half !== 'number') return { refused: 'tables whose dims are not known' }
  const plain = new PlainNodes(node)
  const isFlat = rank !== 4
  const size = attributes.int('rotary_embedding_dim', 0)
  // [batch, tokens, heads, head size]
  const byHead = isFlat
    ? plain.reshape(x, [0, 0, heads || -1, heads ? -1 : 2 * half])
    : plain.transpose(x, [0, 2, 1, 3])
  const first = isFirst ? plain.add('Add', [positions, plain.range(plain.sizeOf(byHead, 1))], {}, 'places') : positions
  const at = isFirst ? plain.unsqueeze(first, [0]) : first
  const result = rotate(
    plain,
    byHead,
    {
      cos,
      sin,
      positions: at,
      half,
      isInterleaved: attributes.int('interleaved', 0) === 1,
      isPartial: size > 0,
    },
    'rotated',
  )
  if (!isFlat) plain.transpose(result, [0, 2, 1, 3], 'output', proto.output[0])
  else plain.reshape(result, [0, 0, -1], 'output', proto.output[0])
  return { nodes: plain.nodes, initializers: plain.initializers }
}
