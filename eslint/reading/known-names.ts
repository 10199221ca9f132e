/* What the runtime has. A test holds these lists to it: nothing of it is loaded into an editor's ESLint. */

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter(Boolean))

/** Properties of every module: any other name is a child. */
export const moduleMembers = words(
  'path output outputs input inputs ops weights child modules length at slice toString then',
)

/** Properties of a model: those that no child can be reached by, and those that give way to one of their name. */
export const modelMembers = words(`
  path output outputs input inputs ops weights child modules toString name signature run trace scan generate edit edits clearEdits session
  record runGraph explain module node tensor nodeNames tensorNames engine save release then
`)

/** Operations that give a tensor of their own, whatever they are given: never the one that they are called on. */
export const newTensorMethods = words(`
  sigmoid relu elu leakyRelu gelu silu softplus softmax logSoftmax layerNorm crossEntropy klDiv cosineSimilarity mseLoss
  eq ne lt le gt ge and or xor not isnan isinf isfinite where
  add sub rsub mul div rdiv floorDivide mod rmod fmod pow rpow minimum maximum neg abs sign sqrt rsqrt reciprocal
  exp expm1 log log1p log2 sin cos tanh erf floor ceil round clamp
  matmul rmatmul bmm dot outer argmax argmin cumsum norm logsumexp
`)

/** Operations that give one tensor, which may be the one that they are called on: `h.float()` of a float32. */
export const tensorMethods: ReadonlySet<string> = new Set([
  ...newTensorMethods,
  ...words(`
    to float half double long int bool sum mean prod var std amax amin argsort any all
    reshape view flatten unflatten transpose swapaxes permute movedim squeeze unsqueeze expand broadcastTo expandAs clone contiguous
    repeat tile repeatInterleave flip roll rot90 tril triu diagonal
    gather takeAlongDim take indexSelect scatter scatterAdd indexAdd maskedFill maskedSelect nonzero slice narrow select assign
  `),
])

/** Operations that give several tensors, or one or several by their arguments. */
export const severalMethods = words('max min topk sort split chunk unbind')

/** What an unsaved tensor answers with NotSavedError when the trace has ended. */
export const valueMembers = words('data tolist toJSON item value T mT')

/** Operations that give the tensor itself, and so say nothing. */
export const harmlessMethods = words('clone contiguous')
