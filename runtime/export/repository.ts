import { UnsavableEditError } from '../errors/edit.ts'
import { type GraphProto, type ModelProto, TensorProto_DataType, type ValueInfoProto } from '../onnx/schema/onnx_pb.ts'

/** A model in the layout that Triton and KServe load. */
export interface RepositoryOptions {
  /** The name of the model. @default that of the file it was loaded from */
  readonly name?: string
  /** The number of its folder. @default 1 */
  readonly version?: number
  /** Inputs are zeros of these lengths when the server warms up: by the name of the dim, or of the input. @default 1 for each */
  readonly warmup?: Readonly<Record<string, number>>
}

type Typed = readonly [name: string, type: string, dims: readonly (number | string)[]]

/** Triton's names of dtypes differ from ONNX's. */
const types: Readonly<Record<number, string>> = {
  [TensorProto_DataType.FLOAT]: 'TYPE_FP32',
  [TensorProto_DataType.FLOAT16]: 'TYPE_FP16',
  [TensorProto_DataType.BFLOAT16]: 'TYPE_BF16',
  [TensorProto_DataType.DOUBLE]: 'TYPE_FP64',
  [TensorProto_DataType.INT8]: 'TYPE_INT8',
  [TensorProto_DataType.INT16]: 'TYPE_INT16',
  [TensorProto_DataType.INT32]: 'TYPE_INT32',
  [TensorProto_DataType.INT64]: 'TYPE_INT64',
  [TensorProto_DataType.UINT8]: 'TYPE_UINT8',
  [TensorProto_DataType.UINT16]: 'TYPE_UINT16',
  [TensorProto_DataType.UINT32]: 'TYPE_UINT32',
  [TensorProto_DataType.UINT64]: 'TYPE_UINT64',
  [TensorProto_DataType.BOOL]: 'TYPE_BOOL',
  [TensorProto_DataType.STRING]: 'TYPE_STRING',
}

/**
 * Triton's config.pbtxt of a model, with the dims of its batch among the others (max_batch_size 0), and one request of zeros to warm up.
 * @throws UnsavableEditError for inputs or outputs that are no tensors of types that Triton knows
 */
export function tritonConfig(
  { graph }: ModelProto,
  name: string,
  { version = 1, warmup = {} }: RepositoryOptions,
): string {
  const { input, output } = edgesOf(graph!)
  const tensors = (kind: string, all: readonly Typed[]): string =>
    `${kind} [\n${all.map(([of, type, dims]) => `  { name: ${quoted(of)} data_type: ${type} dims: [ ${dims.map(dim => (typeof dim === 'number' ? dim : -1)).join(', ')} ] }`).join(',\n')}\n]`
  const lengthOf = (of: string, dim: number | string): number =>
    typeof dim === 'number' ? dim : (warmup[of] ?? warmup[dim] ?? 1)
  const zeros = input.map(
    ([of, type, dims]) =>
      `  inputs { key: ${quoted(of)} value { data_type: ${type} dims: [ ${dims.map(dim => lengthOf(of, dim)).join(', ')} ] zero_data: true } }`,
  )
  return `${[
    `name: ${quoted(name)}`,
    'backend: "onnxruntime"',
    'default_model_filename: "model.onnx"',
    'max_batch_size: 0',
    tensors('input', input),
    tensors('output', output),
    `version_policy { specific { versions: [ ${version} ] } }`,
    `model_warmup {\n  name: "zeros"\n${zeros.join('\n')}\n}`,
  ].join('\n')}\n`
}

/** KServe's InferenceService, which serves the repository by Triton. The address of the storage is filled in by whoever uploads it. */
export function inferenceService(name: string): string {
  const plain =
    name
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, '-')
      .replace(/^-+|-+$/g, '') || 'model'
  return `apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: ${plain}
spec:
  predictor:
    model:
      modelFormat:
        name: onnx
      runtime: kserve-tritonserver
      protocolVersion: v2
      # The folder that holds ${JSON.stringify(name)}, after it was uploaded: s3://BUCKET/PATH, gs://BUCKET/PATH, pvc://CLAIM/PATH
      storageUri: s3://BUCKET/PATH
`
}

function edgesOf(graph: GraphProto): { readonly input: readonly Typed[]; readonly output: readonly Typed[] } {
  // In older versions of the format, weights are inputs too.
  const weights = new Set(graph.initializer.map(({ name }) => name))
  return {
    input: graph.input.filter(({ name }) => !weights.has(name)).map(typed),
    output: graph.output.map(typed),
  }
}

function typed({ name, type }: ValueInfoProto): Typed {
  const tensor = type?.value.case === 'tensorType' ? type.value.value : undefined
  const found = tensor && types[tensor.elemType]
  if (!tensor || !found)
    throw new UnsavableEditError(
      `Triton has no type for ${name}`,
      'save it as a plain file, without a layout, and cast the value in it',
    )
  const dims = tensor.shape?.dim.map(({ value }) =>
    value.case === 'dimValue' ? Number(value.value) : (value.value ?? ''),
  )
  if (!dims)
    throw new UnsavableEditError(
      `the rank of ${name} is not known, and Triton needs it`,
      'export the model with its dims',
    )
  return [name, found, dims]
}

const quoted = (text: string): string => JSON.stringify(text)
