/* Names of the runtime. They are listed here because an editor's ESLint must not load the runtime; a test compares the lists with it. */

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter(Boolean))

/** The properties of every module. Any other name is a child module. */
export const moduleMembers = words(
  'path output outputs input inputs ops weights child modules length at slice toString then',
)

/** The properties of a model. If the model has a child module of the same name, some of them stay and others give way to the child. */
export const modelMembers = words(`
  path output outputs input inputs ops weights child modules toString name signature run trace scan generate edit edits clearEdits session
  record runGraph explain module node tensor nodeNames tensorNames engine save release heads hooks standard
  runWithCache then
`)

/** Operations that always return a new tensor, and never the one that they are called on. */
export const newTensorMethods = words(`
  sigmoid relu elu leakyRelu gelu silu softplus softmax logSoftmax layerNorm detach crossEntropy klDiv cosineSimilarity mseLoss
  eq ne lt le gt ge and or xor not isnan isinf isfinite where
  add sub rsub mul div rdiv floorDivide mod rmod fmod pow rpow minimum maximum neg abs sign sqrt rsqrt reciprocal
  exp expm1 log log1p log2 sin cos tanh erf floor ceil round clamp
  matmul rmatmul bmm dot outer argmax argmin cumsum norm logsumexp
`)

/** Operations that return one tensor, which may be the one that they are called on: `h.float()` of a float32 tensor. */
export const tensorMethods: ReadonlySet<string> = new Set([
  ...newTensorMethods,
  ...words(`
    to float half double long int bool sum mean prod var std amax amin argsort any all
    reshape view flatten unflatten transpose swapaxes permute movedim squeeze unsqueeze expand broadcastTo expandAs clone contiguous
    repeat tile repeatInterleave flip roll rot90 tril triu diagonal
    gather takeAlongDim take indexSelect scatter scatterAdd indexAdd maskedFill maskedSelect nonzero slice narrow select assign
  `),
])

/** Operations that return several tensors, or one or several depending on their arguments. */
export const severalTensorMethods = words('max min topk sort split chunk unbind')

/** Operations that return nothing. */
export const methodsWithoutResult = words('backward')

/** Members of a tensor that need its value. After the trace they throw NotSavedError if the tensor was not saved. */
export const valueMembers = words('data tolist toJSON item value T mT')

/** Operations that return the tensor itself, so that calling them needs no value. */
export const sameTensorMethods = words('clone contiguous')
