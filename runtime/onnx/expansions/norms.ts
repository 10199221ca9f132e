import { Attributes } from './attributes.ts'
import type { Expansion, FusedNode, InsideShape, Refusal } from './expansion.ts'
import { PlainNodes } from './plain-nodes.ts'

/**
 * ai.onnx LayerNormalization of opset 17 (onnx/onnx, docs/Operators.md; Ba, Kiros and Hinton 2016, arXiv:1607.06450). Its plain nodes compute the
 * mean, the difference from it, the standard deviation, and the normalised value before scale and bias. Mean and deviation are float32 in
 * any model.
 */
export function plainLayerNormalization(node: FusedNode): Expansion | Refusal {
  const [x, scale, bias = ''] = node.proto.input
  const [output, mean = '', inverse = ''] = node.proto.output
  const norm = new Norm(node, x)
  if (!norm.axes) return UNKNOWN_RANK
  const { plain, wide } = norm
  const centre = norm.mean(wide, 'mean', mean)
  const centred = plain.add('Sub', [wide, centre], {}, 'centred')
  return norm.finish(centred, { scale, bias, inverse, output })
}

/**
 * ai.onnx RMSNormalization of opset 23, and SimplifiedLayerNormalization, which onnxruntime has for it in older files (Zhang and Sennrich
 * 2019, arXiv:1910.07467). Its plain nodes compute the root of the mean square, and the value divided by it, before the scale.
 */
export function rootMeanSquare(node: FusedNode): Expansion | Refusal {
  const [x, scale] = node.proto.input
  const [output, inverse = ''] = node.proto.output
  const norm = new Norm(node, x)
  if (!norm.axes) return UNKNOWN_RANK
  return norm.finish(norm.wide, { scale, bias: '', inverse, output })
}

const UNKNOWN_RANK: Refusal = { refused: 'an axis from the start of an input whose rank is not known' }

/** Operators that combine a reduced value with the whole one, so that the result has all dims. */
const WHOLE = new Set(['Sub', 'Div', 'Mul'])

interface OutputNames {
  readonly scale: string
  readonly bias: string
  /** The result for one over the deviation; '' if the file does not use it. */
  readonly inverse: string
  readonly output: string
}

class Norm {
  readonly plain: PlainNodes
  /** The axes of the input that are normalised together, counted from the end; undefined if they are not known. */
  readonly axes: readonly number[] | undefined
  /** The input, cast to the type in which the norm is computed. */
  readonly wide: string
  readonly #node: FusedNode
  readonly #epsilon: number
  readonly #isHalf: boolean

  constructor(node: FusedNode, x: string) {
    const attributes = new Attributes(node.proto)
    const axis = attributes.int('axis', -1)
    const rank = axis < 0 ? 0 : node.rankOf(x)
    const count = rank === undefined ? undefined : rank - axis
    this.axes = count === undefined ? undefined : Array.from({ length: count }, (_, i) => i - count)
    this.plain = new PlainNodes(node)
    this.#node = node
    this.#epsilon = attributes.float('epsilon', 1e-5)
    this.#isHalf =
      attributes.int('stash_type', 1) === 1 && [x, node.proto.input[1]].some(name => node.typeOf(name) === 'float16')
    this.wide = this.#isHalf ? this.plain.castTo(x, 'FLOAT', 'wide') : x
  }

  /** The mean over the axes, which are an input of ReduceMean from opset 18 on. */
  mean(x: string, role: string, as = ''): string {
    const axes = this.axes!
    return this.#node.opset >= 18
      ? this.plain.add('ReduceMean', [x, this.plain.ints(axes)], {}, role, as)
      : this.plain.add('ReduceMean', [x], { axes }, role, as)
  }

  finish(centred: string, { scale, bias, inverse, output }: OutputNames): Expansion {
    const { plain } = this
    const variance = this.mean(plain.add('Mul', [centred, centred], {}, 'square'), 'mean_square')
    const epsilon = this.#isHalf ? plain.number32(this.#epsilon) : plain.number(this.#epsilon)
    const deviation = plain.add('Sqrt', [plain.add('Add', [variance, epsilon], {}, 'stable')], {}, 'deviation')
    if (inverse) plain.add('Reciprocal', [deviation], {}, 'inverse', inverse)
    const exact = plain.add('Div', [centred, deviation], {}, this.#isHalf ? 'unit_wide' : 'unit')
    const unit = this.#isHalf ? plain.castTo(exact, 'FLOAT16', 'unit') : exact
    if (!bias) plain.add('Mul', [unit, scale], {}, 'norm', output)
    else plain.add('Add', [plain.add('Mul', [unit, scale], {}, 'scaled'), bias], {}, 'norm', output)
    return {
      nodes: plain.nodes,
      initializers: plain.initializers,
      inside: this.#shapes(new Set(this.#node.proto.output)),
    }
  }

  #shapes(outputs: ReadonlySet<string>): Map<string, InsideShape> {
    const narrow = new Set<string>()
    const shapes = new Map<string, InsideShape>()
    let isWide = this.#isHalf
    for (const { opType, input, output } of this.plain.nodes) {
      if (opType === 'ReduceMean' || (input.some(name => narrow.has(name)) && !WHOLE.has(opType))) narrow.add(output[0])
      if (this.#isHalf && opType === 'Cast') isWide = output[0] === this.wide
      const reduced = narrow.has(output[0]) ? this.axes! : []
      if (!outputs.has(output[0])) shapes.set(output[0], { reduced, isWide })
    }
    return shapes
  }
}
