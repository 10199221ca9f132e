import { writeFileSync } from 'node:fs'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import type { ExecutionContext } from 'ava'
import { cache, invoke, load, type Model, save, type Tensor } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { inspection } from '#dist/cli/inspect/inspection.js'
import { profileModel } from '#dist/cli/profile/profile.js'
import { generateTypes } from '#dist/cli/types/generate.js'
import { buildGraph } from '#dist/runtime/onnx/graph/graph.js'
import { type ModelProto, ModelProtoSchema, NodeProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { describeModel } from '#dist/view/model/describe-model.js'
import { viewHeads } from '#dist/view/readings/heads.js'
import { viewModule } from '#dist/view/readings/module.js'
import { near } from '../../near.ts'
import { fusedNode, type OperatorGraph } from './operators.ts'
import { encodeGraph, type Fed, feeds, parseGraph } from './text-graph.ts'

type AllFed = Record<string, Fed>
type Values = Record<string, ort.Tensor>

/** A file's outputs, computed by onnxruntime alone. */
export async function bare(model: Uint8Array | string, fed: AllFed): Promise<Values> {
  const session = await ort.InferenceSession.create(model as string, { logSeverityLevel: 4 })
  try {
    return (await session.run(
      Object.fromEntries(
        Object.entries(fed).map(([name, { type, dims, data }]) => [
          name,
          new ort.Tensor(type as 'float32', data as Float32Array, dims),
        ]),
      ),
    )) as Values
  } finally {
    await session.release()
  }
}

/** The inputs in the type that onnsight takes. */
const inputsOf = (fed: AllFed) => fed as unknown as Record<string, Tensor>

/** The inputs of one row of the batch. */
function rowOf(graph: OperatorGraph, fed: AllFed, row: number): AllFed {
  return Object.fromEntries(
    Object.entries(fed).map(([name, { type, dims, data }]) => {
      const axis = graph.inputs[name]
        .filter(dim => dim !== type && !/^[fiu]\d+$|^bool$/.test(String(dim)))
        .indexOf('batch:2')
      if (axis < 0) return [name, { type, dims, data }]
      const size = dims.slice(axis + 1).reduce((a, b) => a * b, 1)
      const kept = [...(data as Float32Array)].filter((_, i) => Math.floor(i / size) % 2 === row)
      const typed = (data.constructor as unknown as { from(values: unknown[]): Float32Array }).from(kept)
      return [name, { type, dims: dims.map((dim, i) => (i === axis ? 1 : dim)), data: typed }]
    }),
  )
}

/** The file with a value squared where it is made, for all its readers, also for those inside a fused operator. */
export function squared(bytes: Uint8Array, name: string): Uint8Array {
  const proto = fromBinary(ModelProtoSchema, bytes) as ModelProto
  if (isReadInside(proto, name)) writeOut(proto)
  const { graph } = proto
  const at = graph!.node.findIndex(({ output }) => output.includes(name))
  const maker = graph!.node[at]
  maker.output = maker.output.map(output => (output === name ? `${name} whole` : output))
  const whole = `${name} whole`
  graph!.node.splice(at + 1, 0, create(NodeProtoSchema, { opType: 'Mul', input: [whole, whole], output: [name] }))
  return toBinary(ModelProtoSchema, proto)
}

function isReadInside(proto: ModelProto, name: string): boolean {
  const { producer } = buildGraph(proto, { clusters: true })
  return producer.get(name)?.node.cluster?.nodes.some(({ inputs }) => inputs.includes(name)) ?? false
}

function writeOut(proto: ModelProto): void {
  const { nodes, initializers } = buildGraph(proto, { clusters: true })
  proto.graph!.node = nodes.map(node => node.proto)
  proto.graph!.initializer = [...initializers.values()]
}

/** Whether the dims known before the run are those of the run. Only the run knows a cache's number of keys, which the input `total` decides. */
const fits = ({ inputs }: OperatorGraph, known: Tensor['dims'] | undefined, dims: Tensor['dims']): boolean =>
  known?.length === dims.length &&
  known.every(
    (dim, axis) => dim === dims[axis] || (dim === undefined && axis >= 2 && dims.length === 4 && 'total' in inputs),
  )

/** The path of the first module whose own nodes have this operation. */
function holderOf(model: Model, operation: string): string {
  const paths = ['layer.op', 'layer', ...inspection(model).modules.map(({ path }) => path)]
  return paths.find(path => {
    try {
      return model.module(path).ops[operation].length > 0
    } catch {
      return false
    }
  })!
}

const isFloat = ({ type }: { type: string }): boolean => type === 'float32'

/** Fails if a verb gives another result than onnxruntime. The file is written to `path`, and edited ones beside it. */
export async function everyVerb(t: ExecutionContext, graph: OperatorGraph, path: string): Promise<void> {
  const { interior, outputs } = parseGraph(graph)
  const bytes = encodeGraph(graph)
  writeFileSync(path, bytes)
  const fed = feeds(graph)
  const inputs = inputsOf(fed)
  const whole = await bare(encodeGraph(graph, { outputs: interior }), fed)
  const model = await load(path)
  const same = (got: Tensor | undefined, due: ort.Tensor, what: string, tolerance = 1e-5): void => {
    if (!near(got, due as never, tolerance))
      t.fail(`${what}: ${got?.dims} ${got?.data.slice(0, 4)} for ${due.dims} ${due.data.slice(0, 4)}`)
  }

  const run = await model.run(inputs)
  for (const name of outputs) same(run[name], whole[name], `run ${name}`)

  const shapes = await model.scan(inputs)
  for (const name of [...interior, ...outputs])
    t.true(fits(graph, shapes.tensors[name]?.dims, whole[name].dims), `scan ${name}: ${shapes.tensors[name]?.dims}`)
  t.deepEqual(shapes.modules['layer.after'].output?.dims, whole.z.dims as number[])

  const names = [...interior, ...outputs]
  const read = await model.trace(inputs, m => names.map(name => m.tensor(name)))
  for (const [k, name] of names.entries()) same(read[k], whole[name], `trace ${name}`)

  const kept = await model.trace(inputs, () => cache({ inputs: true }))
  const fused = fusedNode(graph)
  const given = fused.output.filter(Boolean)
  const { output, outputs: several } = kept.get('layer.op')
  for (const name of output ? given.slice(0, 1) : given) same(output ?? several?.[name], whole[name], `cache ${name}`)
  same(kept.get('layer.after').output, whole.z, 'cache z')
  same(kept.get('layer.after').input, whole.y, 'cache y')

  // Each float value is squared for all its readers.
  for (const name of names.filter(name => isFloat(whole[name]) && name !== 'z')) {
    const due = await bare(squared(bytes, name), fed)
    const change = (m: Model): void => {
      m.tensor(name).set('...', m.tensor(name).mul(m.tensor(name)))
    }
    const edited = model.edit(change)
    const got = await edited.run(inputs)
    for (const output of outputs) same(got[output], due[output], `edit of ${name}: ${output}`, 1e-4)
    const saved = path.replace('.onnx', `-${name}.onnx`)
    await edited.save(saved)
    const plain = await bare(saved, fed)
    for (const output of outputs) same(plain[output] as never, due[output], `saved edit of ${name}: ${output}`, 1e-4)
    t.true(
      outputs.some(output => !near(plain[output] as never, whole[output] as never, 1e-3)),
      `edit of ${name} moves nothing`,
    )
  }

  if (graph.inside) {
    const { inside } = graph
    const holder = holderOf(model, inside)
    const at = (m: Model) => m.module(holder).ops[inside][0]
    const scanned = await model.scan(inputs, m => at(m).output.dims)
    const change = (m: Model): void => {
      at(m).output = at(m).output.mul(0)
    }
    const [inner, z] = await model.trace(inputs, m => {
      const before = at(m).output
      change(m)
      return [before, m.tensor('z')] as const
    })
    t.true(fits(graph, scanned, inner.dims), `scan inside: ${scanned}`)
    t.false(near(z, whole.z as never, 1e-3), 'an edit inside moves nothing')
    const edited = model.edit(change)
    const saved = path.replace('.onnx', '-inside.onnx')
    await edited.save(saved)
    same((await bare(saved, fed)).z as never, z as never, 'saved edit inside', 1e-4)
  }

  if (graph.hasBatch) {
    const rows = [0, 1].map(row => rowOf(graph, fed, row))
    const alone = await Promise.all(rows.map(row => bare(encodeGraph(graph, { outputs: interior }), row)))
    const got: Tensor[][] = [[], []]
    await model.trace(() => {
      for (const [row, one] of rows.entries())
        invoke(inputsOf(one), () => {
          got[row] = [save(model.tensor('y')), save(model.tensor('z'))]
        })
    })
    for (const row of [0, 1]) {
      same(got[row][0], alone[row].y, `invoke ${row}: y`)
      same(got[row][1], alone[row].z, `invoke ${row}: z`)
    }
  }

  const types = generateTypes(model, 'Model', path)
  for (const operation of [fused.opType, ...(graph.inside ? [graph.inside] : [])])
    t.regex(types, new RegExp(`'?${operation}'?`))

  const inspected = inspection(model)
  t.is(inspected.nodes, parseGraph(graph).nodes.length)
  t.is(
    inspected.operations[fused.domain ? `${fused.domain}.${fused.opType}` : fused.opType],
    parseGraph(graph).nodes.filter(({ opType }) => opType === fused.opType).length,
  )

  const profile = await profileModel({
    path,
    options: {},
    runs: 2,
    inputsOf: async () => ({ inputs, generated: new Map() }),
  })
  t.true(profile.totalMs > 0)
  t.true(
    profile.modules.some(({ path, calls }) => path === 'layer.op' && calls >= 1),
    `profile: ${JSON.stringify(profile.nodes)}`,
  )

  const target = { model, options: {} }
  const description = describeModel({ model, title: 'one', language: undefined }, 'cpu')
  t.true(description.modules.some(({ path }) => path === 'layer.op'))
  for (const { path } of description.modules) {
    const view = await viewModule(target, inputs, { inputs: {}, path } as never, { at: 0, of: undefined }, undefined)
    t.true(view.values.length > 0, `view ${path}`)
    for (const { dims } of view.values) t.true('total' in graph.inputs || !dims.includes(null), `view ${path}`)
  }
  const heads = await viewHeads(target, inputs, { inputs: {}, path: 'layer' } as never, undefined)
  if (graph.inside === 'Softmax' && !('past' in graph.inputs)) t.is(heads.patterns.length, 1)
  await model.release()
}
