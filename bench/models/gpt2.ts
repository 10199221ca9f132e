import { create } from '@bufbuild/protobuf'
import { type AttributeProto, AttributeProtoSchema, GraphProtoSchema, type NodeProto, NodeProtoSchema, TensorProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { ensureModel, noise, type Weight } from './write.ts'

const LAYERS = 12
const HEADS = 12
const WIDTH = 768
const CONTEXT = 1024
const VOCAB = 50257

/** A model with GPT-2 small's dims (124 M parameters, without its head's copy) and random weights. It is written once to bench/models. */
export function ensureGpt2(): string {
  return ensureModel('gpt2-small', () => {
    const { nodes, weights } = build()
    const value = (name: string, elemType: number, dims: (string | number)[]) => ({
      name,
      type: { value: { case: 'tensorType' as const, value: { elemType, shape: { dim: dims.map(dim => ({ value: typeof dim === 'number' ? { case: 'dimValue' as const, value: BigInt(dim) } : { case: 'dimParam' as const, value: dim } })) } } } },
    })
    const graph = create(GraphProtoSchema, {
      name: 'gpt2',
      node: nodes,
      input: [value('input_ids', 7, ['batch', 'sequence'])],
      output: [value('logits', 1, ['batch', 'sequence', VOCAB])],
    })
    return { graph, weights, opset: 17n }
  })
}

function build(): { nodes: NodeProto[]; weights: Weight[] } {
  const nodes: NodeProto[] = []
  const weights: Weight[] = []
  const counts = new Map<string, number>()
  const weight = (name: string, dims: number[], fill: (i: number) => number = noise(weights.length)): string => {
    weights.push({ name, dims, fill })
    return name
  }
  const add = (scope: string, opType: string, input: string[], attribute: AttributeProto[] = [], outputs = 1): string[] => {
    const key = `${scope}/${opType}`
    const n = counts.get(key) ?? 0
    counts.set(key, n + 1)
    const name = n === 0 ? key : `${key}_${n}`
    const output = Array.from({ length: outputs }, (_, i) => `${name}_output_${i}`)
    nodes.push(create(NodeProtoSchema, { name, opType, input, output, attribute }))
    return output
  }
  const constant = (scope: string, dataType: number, dims: number[], values: number[]): string =>
    add(scope, 'Constant', [], [
      create(AttributeProtoSchema, {
        name: 'value',
        type: 4,
        t: create(TensorProtoSchema, { dims: dims.map(BigInt), dataType, ...(dataType === 7 ? { int64Data: values.map(BigInt) } : { floatData: values }) }),
      }),
    ])[0]
  const int = (name: string, i: number): AttributeProto => create(AttributeProtoSchema, { name, type: 2, i: BigInt(i) })
  const ints = (name: string, list: number[]): AttributeProto => create(AttributeProtoSchema, { name, type: 7, ints: list.map(BigInt) })
  const norm = (scope: string, path: string, x: string): string =>
    add(scope, 'LayerNormalization', [x, weight(`${path}.weight`, [WIDTH], () => 1), weight(`${path}.bias`, [WIDTH], () => 0)], [int('axis', -1), create(AttributeProtoSchema, { name: 'epsilon', type: 1, f: 1e-5 })])[0]
  const linear = (scope: string, path: string, x: string, from: number, to: number): string => {
    const product = add(scope, 'MatMul', [x, weight(`${path}.weight`, [from, to])])[0]
    return add(scope, 'Add', [product, weight(`${path}.bias`, [to], () => 0)])[0]
  }

  const T = '/transformer'
  const shape = add(T, 'Shape', ['input_ids'])[0]
  const length = add(T, 'Gather', [shape, constant(T, 7, [], [1])], [int('axis', 0)])[0]
  const positions = add(T, 'Range', [constant(T, 7, [], [0]), length, constant(T, 7, [], [1])])[0]
  const wte = add(`${T}/wte`, 'Gather', [weight('transformer.wte.weight', [VOCAB, WIDTH]), 'input_ids'], [int('axis', 0)])[0]
  const wpe = add(`${T}/wpe`, 'Gather', [weight('transformer.wpe.weight', [CONTEXT, WIDTH]), positions], [int('axis', 0)])[0]
  let x = add(T, 'Add', [wte, wpe])[0]
  const column = add(T, 'Unsqueeze', [positions, constant(T, 7, [1], [1])])[0]
  const allowed = add(T, 'LessOrEqual', [positions, column])[0]
  for (let layer = 0; layer < LAYERS; layer++) {
    const scope = `${T}/h.${layer}`
    const path = `transformer.h.${layer}`
    const attn = `${scope}/attn`
    const qkv = linear(`${attn}/c_attn`, `${path}.attn.c_attn`, norm(`${scope}/ln_1`, `${path}.ln_1`, x), WIDTH, 3 * WIDTH)
    const parts = add(attn, 'Split', [qkv, constant(attn, 7, [3], [WIDTH, WIDTH, WIDTH])], [int('axis', 2)], 3)
    const heads = constant(attn, 7, [4], [0, 0, HEADS, WIDTH / HEADS])
    const [q, k, v] = parts.map((part, i) => add(attn, 'Transpose', [add(attn, 'Reshape', [part, heads])[0]], [ints('perm', i === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3])])[0])
    const scores = add(attn, 'Div', [add(attn, 'MatMul', [q, k])[0], constant(attn, 1, [], [8])])[0]
    const masked = add(attn, 'Where', [allowed, scores, constant(attn, 1, [], [-1e9])])[0]
    const pattern = add(attn, 'Softmax', [masked], [int('axis', -1)])[0]
    const mixed = add(attn, 'Transpose', [add(attn, 'MatMul', [pattern, v])[0]], [ints('perm', [0, 2, 1, 3])])[0]
    const joined = add(attn, 'Reshape', [mixed, constant(attn, 7, [3], [0, 0, WIDTH])])[0]
    x = add(scope, 'Add', [linear(`${attn}/c_proj`, `${path}.attn.c_proj`, joined, WIDTH, WIDTH), x])[0]
    const mlp = `${scope}/mlp`
    const up = linear(`${mlp}/c_fc`, `${path}.mlp.c_fc`, norm(`${scope}/ln_2`, `${path}.ln_2`, x), WIDTH, 4 * WIDTH)
    x = add(scope, 'Add', [x, linear(`${mlp}/c_proj`, `${path}.mlp.c_proj`, gelu(`${mlp}/act`, up), 4 * WIDTH, WIDTH)])[0]
  }
  const final = norm(`${T}/ln_f`, 'transformer.ln_f', x)
  nodes.push(create(NodeProtoSchema, { name: '/lm_head/MatMul', opType: 'MatMul', input: [final, weight('onnx::MatMul_head', [WIDTH, VOCAB])], output: ['logits'] }))
  return { nodes, weights }

  function gelu(scope: string, h: string): string {
    const c = (n: number): string => constant(scope, 1, [], [n])
    const cube = add(scope, 'Mul', [add(scope, 'Pow', [h, c(3)])[0], c(0.044715)])[0]
    const inner = add(scope, 'Mul', [add(scope, 'Add', [h, cube])[0], c(Math.sqrt(2 / Math.PI))])[0]
    const gate = add(scope, 'Add', [add(scope, 'Tanh', [inner])[0], c(1)])[0]
    return add(scope, 'Mul', [add(scope, 'Mul', [h, c(0.5)])[0], gate])[0]
  }
}
