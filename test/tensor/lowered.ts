import { create, toBinary } from '@bufbuild/protobuf'
import { nodeProvider } from '#dist/runtime/engine/providers/node.js'
import { emitNode, emitTensor, emitValueInfo } from '#dist/runtime/engine/sessions/emit.js'
import type { Value } from '#dist/runtime/graph/expression.js'
import { lower } from '#dist/runtime/graph/lower.js'
import { normalise } from '#dist/runtime/graph/normalise.js'
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
} from '#dist/runtime/onnx/schema/onnx_pb.js'
import type { TensorData } from '#dist/runtime/tensor/dtypes/data.js'
import '../one-thread.ts'

/** Thrown for operations that have no form in the opset. */
export class NotLowered extends Error {
  override readonly name = 'NotLowered'
}

const provider = nodeProvider({ device: 'cpu', deviceId: 0 })

/** Computes the values with a model of an older opset. @throws NotLowered */
export async function evaluateAt(opset: number, values: readonly Value[]): Promise<TensorData[]> {
  const form = normalise({ owner: undefined, writes: new Map(), wanted: values })
  const nameOf = ({ expression, output }: Value): string => {
    if (expression.kind === 'operand') return `$${form.operandNumbers.get(expression)}`
    return `${form.numbers.get(expression)}.${expression.kind === 'operation' ? output : 0}`
  }
  const node: NodeProto[] = []
  const initializer: TensorProto[] = []
  form.order.forEach((expression, i) => {
    if (expression.kind === 'constant') initializer.push(emitTensor(`${i}.0`, expression.data))
    if (expression.kind !== 'operation') return
    const lowered = lower(expression, opset)
    if (!lowered) throw new NotLowered(expression.opType)
    const outputs = Array.from({ length: expression.outputs }, (_, output) => `${i}.${output}`)
    const inputs = lowered.inputs.map(input => (input ? nameOf(input) : ''))
    node.push(emitNode({ ...expression, ...lowered }, '', inputs, outputs))
  })
  const model = create(ModelProtoSchema, {
    irVersion: opset < 20 ? 8n : 10n,
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    graph: create(GraphProtoSchema, {
      name: 'lowered',
      node,
      initializer,
      input: form.operands.map((data, slot) => emitValueInfo(`$${slot}`, data.type)),
      output: values.map(value => emitValueInfo(nameOf(value))),
    }),
  })
  const bytes = toBinary(ModelProtoSchema, model)
  const session = await provider.create({ bytes, folder: undefined }, { prepack: false, optimize: 'model' })
  const feeds = Object.fromEntries(form.operands.map((data, slot) => [`$${slot}`, data]))
  const results = await session.run(feeds, values.map(nameOf))
  await session.release()
  return values.map(value => results[nameOf(value)])
}

type Evaluate = (values: readonly Value[]) => Promise<TensorData[]>

interface Asked {
  readonly values: readonly Value[]
  readonly settle: (results: Promise<TensorData[]>) => void
}

/** Computes all values that are asked for at the same time with one model. If one of them fails, computes each by itself. */
export function together(evaluate: Evaluate): Evaluate {
  let waiting: Asked[] = []
  const flush = async () => {
    const all = waiting
    waiting = []
    const results = await evaluate(all.flatMap(({ values }) => values)).catch(() => undefined)
    for (const { values, settle } of all)
      settle(results ? Promise.resolve(results.splice(0, values.length)) : evaluate(values))
  }
  return values =>
    new Promise(resolve => {
      waiting.push({ values, settle: resolve })
      if (waiting.length === 1) setImmediate(flush)
    })
}
