import { Attributes } from './attributes.ts'
import type { Expansion, FusedNode, Refusal } from './expansion.ts'
import { PlainNodes } from './plain-nodes.ts'

/**
 * com.microsoft FusedMatMul (microsoft/onnxruntime, docs/ContribOperators.md): a product of matrices, which may be transposed first, times a
 * factor. In attention, these are the scores before and after they are scaled.
 */
export function fusedMatMul(node: FusedNode): Expansion | Refusal {
  const { input, output } = node.proto
  const attributes = new Attributes(node.proto)
  const plain = new PlainNodes(node)
  const factors: string[] = []
  for (const [side, name] of ['A', 'B'].entries()) {
    const isTransposed = attributes.int(`trans${name}`, 0) === 1
    const isBatchMoved = attributes.int(`transBatch${name}`, 0) === 1
    const rank = node.rankOf(input[side])
    if (isBatchMoved && rank === undefined) return { refused: `transBatch${name} of a value whose rank is not known` }
    factors.push(transposed(plain, input[side], { isTransposed: isTransposed && rank !== 1, isBatchMoved, rank, name }))
  }
  const alpha = attributes.float('alpha', 1)
  const hasFactor = alpha !== 1
  const product = plain.add('MatMul', factors, {}, 'products', hasFactor ? '' : output[0])
  if (hasFactor) plain.add('Mul', [product, plain.number(alpha)], {}, 'scaled', output[0])
  return { nodes: plain.nodes, initializers: plain.initializers }
}

interface Transposition {
  readonly isTransposed: boolean
  /** Whether the first axis moves behind the axes 1 to rank − 2. */
  readonly isBatchMoved: boolean
  readonly rank: number | undefined
  readonly name: string
}

function transposed(
  plain: PlainNodes,
  value: string,
  { isTransposed, isBatchMoved, rank, name }: Transposition,
): string {
  if (!isTransposed && !isBatchMoved) return value
  const role = `${name.toLowerCase()}_turned`
  if (rank === undefined) return plain.addMany('Einsum', [value], { equation: { text: '...ij->...ji' } }, [[role]])[0]
  const axes = Array.from({ length: rank }, (_, axis) => axis)
  // The operator's definition: axes 1 to rank − 2 move one place to the front, and the first axis comes after them.
  const batch = isBatchMoved ? [...axes.slice(1, -1), 0] : axes.slice(0, -1)
  const perm = [...batch, rank - 1]
  if (isTransposed) perm.push(...perm.splice(-2, 2).reverse())
  return plain.transpose(value, perm, role)
}
