import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { clone, create, fromBinary } from '@bufbuild/protobuf'
import { type GraphProto, GraphProtoSchema, ModelProtoSchema, type NodeProto, NodeProtoSchema, type TensorProto, TensorProtoSchema, type ValueInfoProto, ValueInfoProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { ensureModel, noise, type Weight, type Written } from './write.ts'

const LAYERS = 12
const CONTEXT = 1024
/** The sizes of the character model, with those of GPT-2 small: width, queries with keys and values, MLP, head, heads, vocabulary. */
const SIZES = new Map([
  [128, 768],
  [384, 2304],
  [512, 3072],
  [32, 64],
  [4, 12],
  [65, 50257],
])
const resized = (size: number): number => SIZES.get(size) ?? size

/** GPT-2 small in the form of PyTorch's classic exporter: it has the nodes of the exported character model, but more and wider layers. */
export function ensureExported(): string {
  return ensureModel('exported', () => enlarged('../../examples/models/chars.onnx'))
}

/** The same with a key/value cache, whose inputs and outputs are named as optimum names them. */
export function ensureExportedDecoder(): string {
  return ensureModel('exported-decoder', () => enlarged('../../test/fixtures/models/chars-cache.onnx'))
}

function enlarged(file: string): Written {
  const { graph, opsetImport } = fromBinary(ModelProtoSchema, readFileSync(fileURLToPath(new URL(file, import.meta.url))))
  if (!graph) throw new Error(`${file} has no graph.`)
  const layer = graph.node.slice(start(graph, '/h.1/'), start(graph, '/h.2/'))
  const made = new Set(layer.flatMap(({ name, output }) => [name, ...output]))
  const nodes = [
    ...graph.node.slice(0, start(graph, '/h.1/')),
    ...Array.from({ length: LAYERS - 1 }, (_, i) => layer.map(node => renamed(node, name => inLayer(name, i + 1, made)))).flat(),
    ...graph.node.slice(start(graph, '/ln_f/')).map(node => renamed(node, name => name.replace('/h.3/', `/h.${LAYERS - 1}/`))),
  ]
  const tensors = eachLayer(graph.initializer)
  return {
    graph: create(GraphProtoSchema, {
      name: graph.name,
      node: nodes.map(enlargedNode),
      input: eachLayer(graph.input).map(enlargedValue),
      output: eachLayer(graph.output).map(enlargedValue),
    }),
    weights: tensors.map(enlargedWeight),
    opset: opsetImport[0].version,
  }
}

const start = ({ node }: GraphProto, scope: string): number => node.findIndex(({ name }) => name.includes(scope))

/** The name in another layer for `name` in layer 1: of the layer's values, parameters and caches, and of the output of the layer before. */
function inLayer(name: string, layer: number, made: ReadonlySet<string>): string {
  const own = /(\bh|values|\bpresent)\.([01])\b/
  if (own.test(name)) return name.replace(own, (_, list, of) => `${list}.${layer - 1 + Number(of)}`)
  return made.has(name) ? `${name}_${layer}` : name
}

function renamed(node: NodeProto, to: (name: string) => string): NodeProto {
  const copy = clone(NodeProtoSchema, node)
  return Object.assign(copy, { name: to(node.name), input: node.input.map(to), output: node.output.map(to) })
}

/** Repeats the items of layer 1 for more layers, in the order of the layers. */
function eachLayer<T extends TensorProto | ValueInfoProto>(list: readonly T[]): T[] {
  const layerOf = ({ name }: T): number => Number(name.match(/(?:\bh|values|\bpresent)\.(\d)\./)?.[1] ?? -1)
  const ofOne = list.filter(one => layerOf(one) === 1)
  const more = Array.from({ length: LAYERS - 2 }, (_, i) => ofOne.map(one => ({ ...one, name: inLayer(one.name, i + 2, new Set()) }))).flat()
  const after = list.findLastIndex(one => layerOf(one) === 1)
  return [...list.slice(0, after + 1), ...more, ...list.slice(after + 1).filter(one => layerOf(one) < 0)]
}

function enlargedValue(value: ValueInfoProto): ValueInfoProto {
  const copy = clone(ValueInfoProtoSchema, value)
  if (copy.type?.value.case !== 'tensorType') return copy
  for (const dim of copy.type.value.value.shape?.dim ?? []) {
    if (dim.value.case === 'dimValue') dim.value.value = BigInt(resized(Number(dim.value.value)))
  }
  return copy
}

function enlargedWeight({ name, dims }: TensorProto, i: number): Weight {
  const isPosition = name.includes('wpe')
  const sizes = dims.map((dim, axis) => (isPosition && axis === 0 ? CONTEXT : resized(Number(dim))))
  const isNorm = name.includes('ln_')
  return { name, dims: sizes, fill: name.endsWith('.bias') ? () => 0 : isNorm ? () => 1 : noise(i) }
}

/** Enlarges the sizes in a node's constants (of reshapes and splits), the scale of the scores, and the causal mask. */
function enlargedNode(node: NodeProto): NodeProto {
  if (node.opType !== 'Constant') return node
  const tensor = node.attribute[0].t
  if (!tensor) return node
  const copy = clone(NodeProtoSchema, node)
  copy.attribute[0].t = enlargedConstant(tensor)
  return copy
}

function enlargedConstant(tensor: TensorProto): TensorProto {
  const bytes = new Uint8Array(tensor.rawData).buffer
  const raw = (dims: readonly number[], data: Uint8Array): TensorProto =>
    create(TensorProtoSchema, { dims: dims.map(BigInt), dataType: tensor.dataType, rawData: data })
  const dims = tensor.dims.map(Number)
  if (tensor.dataType === 7) {
    const sizes = BigInt64Array.from(new BigInt64Array(bytes), size => (size < 1e6 ? BigInt(resized(Number(size))) : size))
    return raw(dims, new Uint8Array(sizes.buffer))
  }
  if (tensor.dataType === 9) {
    const allowed = Uint8Array.from({ length: CONTEXT * CONTEXT }, (_, i) => (i % CONTEXT <= Math.floor(i / CONTEXT) ? 1 : 0))
    return raw([1, 1, CONTEXT, CONTEXT], allowed)
  }
  const [value] = new Float32Array(bytes)
  return Math.abs(value - Math.sqrt(32)) < 1e-5 ? raw(dims, new Uint8Array(new Float32Array([8]).buffer)) : tensor
}
