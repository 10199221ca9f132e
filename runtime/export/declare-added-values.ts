import { emitValueInfo } from '../engine/sessions/emit.ts'
import type { Dim } from '../graph/expression.ts'
import { withFields } from '../onnx/message/message.ts'
import type { ModelProto, NodeProto, ValueInfoProto } from '../onnx/schema/onnx_pb.ts'
import type { Shapes } from './trial-dims.ts'

/**
 * Declares the dims of values that depend on edits and are read by onnxruntime's own operators, as far as they are equal for all inputs.
 * onnxruntime can't infer the dims of a value that is fitted at run time. Its inference for some of these operators then takes them for 0,
 * and refuses a packed GroupQueryAttention, for example.
 */
export function declareAddedValues(
  message: ModelProto,
  added: readonly NodeProto[],
  shapes: readonly Shapes[],
): ModelProto {
  const graph = message.graph!
  const changed = new Set(added.flatMap(({ output }) => output))
  const known = new Set([...graph.valueInfo, ...graph.output, ...graph.input].map(({ name }) => name))
  const infos: ValueInfoProto[] = []
  for (const { domain, input, output } of graph.node) {
    if (!input.some(name => changed.has(name))) continue
    for (const name of output) changed.add(name)
    if (domain !== 'com.microsoft') continue
    for (const name of input) {
      const info = changed.has(name) && !known.has(name) ? infoOf(name, shapes) : undefined
      if (info) infos.push(info)
      known.add(name)
    }
  }
  return infos.length === 0
    ? message
    : withFields(message, { graph: withFields(graph, { valueInfo: [...graph.valueInfo, ...infos] }) })
}

/** The value's declaration, with the dims that are equal in all trials; undefined if its rank is unknown. */
function infoOf(name: string, shapes: readonly Shapes[]): ValueInfoProto | undefined {
  const all = shapes.map(each => each.get(name))
  const [first] = all
  if (!first?.dims || !all.every(each => each?.dims?.length === first.dims!.length)) return undefined
  const dims = first.dims.map((dim, axis): Dim => (all.every(each => each!.dims![axis] === dim) ? dim : undefined))
  return emitValueInfo(name, first.type, dims)
}
