import type { Program } from '../engine/blocks/program.ts'
import { emitValueInfo } from '../engine/sessions/emit.ts'
import { UnsavableEditError } from '../errors/edit.ts'
import { UnknownNameError } from '../errors/names.ts'
import { nearestNames } from '../errors/nearest-names.ts'
import type { Tap } from '../graph/expression.ts'
import { resolvePath } from '../names/resolve.ts'
import { withFields } from '../onnx/message/message.ts'
import type { ModelProto } from '../onnx/schema/onnx_pb.ts'

/** The place that a text names: `.output` or `.input` of a module's path, or a value of the graph. @throws UnknownModuleError, UnknownNameError */
export function tapAt({ taps, tree }: Program, place: string): Tap {
  const [, path, side] = /^(.*?)\.?(output|input)$/.exec(place) ?? []
  if (path !== undefined) {
    const module = resolvePath(tree.root, path)
    return side === 'output' ? taps.outputTap(module) : taps.inputTap(module)
  }
  const { graph } = tree
  if (graph.producer.has(place)) return taps.tensorTap(place)
  throw new UnknownNameError('value', place, nearestNames(place, graph.producer.keys()))
}

/** The message with declarations of further outputs. The edit makes their values. */
export function withFurtherOutputs(
  message: ModelProto,
  program: Program,
  outputs: ReadonlyMap<string, string>,
): ModelProto {
  if (outputs.size === 0) return message
  const graph = message.graph!
  const taken = new Set([...graph.output, ...graph.input, ...graph.initializer].map(({ name }) => name))
  const added = [...outputs].map(([name, place]) => {
    if (taken.has(name) || program.graph.producer.has(name))
      throw new UnsavableEditError(
        `the model has a value ${name} already, so that no further output can have this name`,
        `name it: outputs: { my_name: '${place}' }`,
      )
    const { tensor } = tapAt(program, place)
    const { type, dims, named } = program.openShapes.get(tensor) ?? { type: program.typeOf(tensor), dims: undefined }
    return emitValueInfo(name, type, named ?? dims)
  })
  return withFields(message, { graph: withFields(graph, { output: [...graph.output, ...added] }) })
}
