import { Attributes } from './attributes.ts'
import type { FusedNode, Refusal } from './expansion.ts'
import type { PlainNodes } from './plain-nodes.ts'

/** Experts' weights in the form of QMoE: `[experts, out, bytes]`, with a scale for each row, or for each block of a row. */
export interface PackedWeights {
  readonly data: string
  readonly scale: string
  /** '' for none. */
  readonly zeroPoint: string
  /** The layer's number in the names of attributes: 1 or 2. */
  readonly layer: number
}

/** Unpacks weights into matrices, `[experts, out, in]`. */
export function unpackedWeights(plain: PlainNodes, node: FusedNode, packed: PackedWeights): string | Refusal {
  const attributes = new Attributes(node.proto)
  const { data, scale, zeroPoint, layer } = packed
  const kind = attributes.text('quant_type') || 'int'
  if (kind !== 'int') return { refused: `quant_type ${kind}` }
  if (attributes.int('weights_prepacked', -1) > 0) return { refused: 'weights in the layout of one kernel' }
  const bits = attributes.int(`fc${layer}_expert_weight_bits`, attributes.int('expert_weight_bits', 4))
  if (![2, 4, 8].includes(bits)) return { refused: `weights of ${bits} bits` }
  const [dims, scales] = [node.dimsOf(data), node.dimsOf(scale)]
  if (!scales || dims?.length !== 3 || typeof dims[2] !== 'number')
    return { refused: 'weights whose dims are not known' }
  const blocks = scales.length === 3 ? Number(scales[2]) : 1
  const block = (dims[2] * 8) / bits / blocks
  // [experts, out, blocks, elements of a block]
  const inBlocks = plain.reshape(integers(plain, data, bits), [0, 0, blocks, block])
  const zeroPoints = (): string =>
    plain.slice(plain.reshape(integers(plain, zeroPoint, bits), [0, 0, -1]), 2, 0, blocks)
  const zero = zeroPoint ? plain.unsqueeze(zeroPoints(), [3]) : plain.number32(2 ** (bits - 1))
  const factor = plain.castTo(plain.unsqueeze(scale, scales.length === 3 ? [3] : [2, 3]), 'FLOAT')
  const numbers = plain.add('Mul', [plain.add('Sub', [inBlocks, zero]), factor])
  return plain.toActivation(plain.reshape(numbers, [0, 0, -1], `fc${layer}`), true)
}

/** Unpacks the integers along the last axis into float32 numbers. A byte has the first one in its lowest bits. */
function integers(plain: PlainNodes, bytes: string, bits: number): string {
  let rest = plain.castTo(bytes, 'FLOAT')
  if (bits === 8) return rest
  const parts: string[] = []
  const base = plain.number32(2 ** bits)
  for (let i = 0; i < 8 / bits; i++) {
    const above = plain.add('Floor', [plain.add('Div', [rest, base])])
    parts.push(plain.unsqueeze(plain.add('Sub', [rest, plain.add('Mul', [above, base])]), [3]))
    rest = above
  }
  return plain.reshape(plain.add('Concat', parts, { axis: 3 }), [0, 0, -1])
}
