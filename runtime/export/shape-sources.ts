import { create } from '@bufbuild/protobuf'
import { emitAttribute, emitTensor } from '../engine/sessions/emit.ts'
import { withFields } from '../onnx/message/message.ts'
import { type NodeProto, NodeProtoSchema, type TensorProto } from '../onnx/schema/onnx_pb.ts'
import type { AddedNames } from './added-names.ts'
import type { Shapes, TrialDims } from './trial-dims.ts'

/** The length of an axis: a fixed number, or the length of an axis of an input. */
type Source = number | { readonly input: string; readonly axis: number }

export interface ShapeNodes {
  readonly nodes: readonly NodeProto[]
  readonly initializers: readonly TensorProto[]
}

/**
 * Nodes that compute the result of a Shape node from the model's inputs, so that the value it read need not be computed for its dims only.
 * Undefined if some dim is neither fixed nor equal to one of an input.
 */
export function shapeFromInputs(
  node: NodeProto,
  trials: readonly TrialDims[],
  shapes: readonly Shapes[],
  names: AddedNames,
): ShapeNodes | undefined {
  const all = shapes.map(each => each.get(node.input[0])?.dims)
  const rank = all[0]?.length
  if (rank === undefined || !all.every(dims => dims?.length === rank && !dims.includes(undefined))) return undefined
  const axes = Array.from({ length: rank }, (_, axis) => axis).slice(
    attributeOf(node, 'start') ?? 0,
    attributeOf(node, 'end'),
  )
  const sources = axes.map(axis =>
    sourceOf(
      all.map(dims => dims![axis]!),
      trials,
    ),
  )
  if (sources.length === 0 || sources.includes(undefined)) return undefined
  return build(node, sources as Source[], names)
}

function attributeOf({ attribute }: NodeProto, name: string): number | undefined {
  const found = attribute.find(each => each.name === name)
  return found && Number(found.i)
}

function sourceOf(lengths: readonly number[], trials: readonly TrialDims[]): Source | undefined {
  const [first] = lengths
  if (lengths.every(length => length === first)) return first
  for (const [input, dims] of trials[0]) {
    const axis = dims.findIndex((_, at) => trials.every((probe, i) => probe.get(input)![at] === lengths[i]))
    if (axis >= 0) return { input, axis }
  }
  return undefined
}

function build(node: NodeProto, sources: readonly Source[], names: AddedNames): ShapeNodes {
  const nodes: NodeProto[] = []
  const initializers: TensorProto[] = []
  const [result] = node.output
  const add = (opType: string, input: string[], output: string | undefined, attribute: NodeProto['attribute'] = []) => {
    const name = names.unique(`${node.name}_${opType}`)
    const outputName = output ?? names.unique(`${name}_output_0`)
    nodes.push(
      withFields(create(NodeProtoSchema), {
        ...metadataOf(node),
        name,
        opType,
        input,
        output: [outputName],
        attribute,
      }),
    )
    return outputName
  }
  const number = (value: number): string => {
    const name = names.unique(`${node.output[0]}_value`)
    initializers.push(emitTensor(name, { type: 'int64', dims: [1], data: BigInt64Array.of(BigInt(value)) }))
    return name
  }
  const shapes = new Map<string, string>()
  const isAlone = sources.length === 1
  const parts = sources.map(source => {
    if (typeof source === 'number') return number(source)
    if (!shapes.has(source.input)) shapes.set(source.input, add('Shape', [source.input], undefined))
    const axis = [emitAttribute('axis', { int: 0 })]
    return add('Gather', [shapes.get(source.input)!, number(source.axis)], isAlone ? result : undefined, axis)
  })
  if (!isAlone) add('Concat', parts, result, [emitAttribute('axis', { int: 0 })])
  else if (typeof sources[0] === 'number') add('Identity', parts, result)
  return { nodes, initializers }
}

const metadataOf = ({ metadataProps }: NodeProto): Pick<NodeProto, 'metadataProps'> => ({ metadataProps })
