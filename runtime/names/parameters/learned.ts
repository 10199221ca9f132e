/** Operators whose constant inputs are all learned, except sizes and positions. */
const LEARNED_INPUTS =
  /^(LSTM|GRU|RNN|PRelu|Conv|ConvTranspose|FusedConv|Gemm|FusedGemm|MatMul|(Batch|Instance|Layer|Group|RMS)Normalization|(Skip)?SimplifiedLayerNormalization|SkipLayerNormalization|EmbedLayerNormalization|.*Attention|BiasGelu|FastGelu|QMoE|MoE|MatMulNBits)$/

/** Whether an operator is a layer: one that reads weights. */
export const readsWeights = (opType: string): boolean => LEARNED_INPUTS.test(opType)

/** TensorProto.DataType: FLOAT, FLOAT16, DOUBLE, BFLOAT16. */
const FLOATS = new Set([1, 10, 11, 16])

export const isFloat = (dataType: number): boolean => FLOATS.has(dataType)
