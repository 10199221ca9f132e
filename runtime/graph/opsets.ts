import type { DataType } from '../tensor/dtypes/dtype.ts'

/* The first opset with the present form of each operation, for the dtypes that it is recorded with. */

const FIRST_OPSET: Readonly<Record<string, number>> = {
  ...since(
    7,
    'Add Sub Mul Div Sqrt Exp Log Neg Abs Floor Ceil Reciprocal Tanh Sigmoid Relu Elu LeakyRelu Softplus Sin Cos And Or Xor Not',
  ),
  ...since(7, 'Identity Transpose RandomNormal RandomNormalLike RandomUniform RandomUniformLike Shape Size Pow'),
  ...since(8, 'Expand Min Max'),
  ...since(
    9,
    'Where Sign Erf NonZero ConstantOfShape IsNaN MatMul Gemm Greater Less EyeLike Cast Sinh Cosh Asinh Acosh Atanh',
  ),
  ...since(10, 'Mod IsInf QuantizeLinear DequantizeLinear'),
  ...since(
    11,
    'ArgMax ArgMin Clip Compress Concat CumSum Equal Flatten Gather GatherElements GatherND LogSoftmax OneHot Pad',
  ),
  ...since(
    11,
    'Range ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum',
  ),
  ...since(
    11,
    'ReduceSumSquare Reshape Round ScatterElements ScatterND Slice Softmax Hardmax Split Squeeze Tile TopK Unique Unsqueeze',
  ),
  ...since(12, 'Einsum GreaterOrEqual LessOrEqual'),
  ...since(14, 'Trilu HardSwish'),
  ...since(15, 'Bernoulli'),
  ...since(17, 'LayerNormalization'),
  ...since(18, 'BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Mish'),
  ...since(20, 'Gelu'),
}

/** The operations that a block can record. */
export const recordable: ReadonlySet<string> = new Set(Object.keys(FIRST_OPSET))

/** The same of operations that only the rules of gradients record. */
const FIRST_OPSET_OF_RULES: typeof FIRST_OPSET = {
  ...since(11, 'Conv ConvTranspose DepthToSpace MaxPool ReverseSequence Scan SpaceToDepth'),
  ...since(13, 'Resize'),
}

/** The first opset in which an operation takes integers, if that is later. */
const INTEGERS_SINCE: Readonly<Record<string, number>> = {
  Min: 12,
  Max: 12,
  Clip: 12,
  Pow: 12,
  Relu: 14,
}

export function firstOpset(opType: string, types: readonly DataType[]): number {
  let opset = FIRST_OPSET[opType] ?? FIRST_OPSET_OF_RULES[opType] ?? 21
  const later = (version: number): void => {
    opset = Math.max(opset, version)
  }
  for (const type of types) {
    if (type === 'bfloat16') later(13)
    if (/^(int4|uint4|float8)/.test(type)) later(21)
    if (/^u?int/.test(type) && opType in INTEGERS_SINCE) later(INTEGERS_SINCE[opType])
    if (/^u?int(8|16)$/.test(type) && /^(Add|Sub|Mul|Div)$/.test(opType)) later(14)
    if (/^u?int8$/.test(type) && /^Reduce(Max|Min)$/.test(opType)) later(12)
    if (type === 'bool' && /^Reduce/.test(opType)) later(20)
    if (type === 'bool' && opType === 'Pad') later(13)
    if (type === 'float16' && opType === 'CumSum') later(14)
    if (/^(float16|bfloat16)$/.test(type) && opType === 'IsInf') later(20)
    if (type === 'string' && opType === 'Equal') later(19)
  }
  // Mixed types, such as an integer exponent, came with opset 12.
  if (opType === 'Pow' && new Set(types).size > 1) later(12)
  return opset
}

function since(opset: number, opTypes: string): Record<string, number> {
  return Object.fromEntries(opTypes.split(' ').map(opType => [opType, opset]))
}
