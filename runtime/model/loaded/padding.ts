import { InputError } from '../../errors/input.ts'
import { type ExpansionRefused, takesLengths } from '../../onnx/graph/clusters.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'

/** Index of GroupQueryAttention's input with the lengths of rows. */
const LENGTHS = 5

/** The model's inputs, such as `attention_mask`, from which the lengths for GroupQueryAttention are computed. */
export function lengthMasks(graph: OnnxGraph): readonly string[] {
  const open = graph.nodes.filter(takesLengths).map(node => node.inputs[LENGTHS] ?? '')
  const seen = new Set(open)
  for (const name of seen) {
    const maker = graph.producer.get(name)?.node
    for (const input of maker?.inputs ?? []) seen.add(input)
  }
  return graph.inputs.filter(({ name, dims }) => seen.has(name) && dims?.length === 2).map(({ name }) => name)
}

/** The error for prompts with left padding, if an operator that takes lengths can't be expanded with a mask. */
export function paddedLeftRefused(graph: OnnxGraph, cause: ExpansionRefused): InputError {
  const declared = graph.inputs.map(input => ({ ...input, type: input.type ?? 'other' }))
  return new InputError(
    `The prompts are padded on the left, and the model’s attention takes lengths, which count from the left. It can’t be written out with a mask: ${cause.message}.`,
    declared,
    'pad on the right, or run prompts of one length together',
    cause,
  )
}

/**
 * Whether a mask of 0 and 1, dims [batch, keys], has rows that begin with padding.
 * @throws InputError if some rows begin with padding and others end with it, which no form of the operator supports
 */
export function isPaddedLeft(name: string, { dims, data }: TensorData): boolean {
  const [rows, size] = dims
  const starts = (row: number): boolean => Number(data[row * size]) === 0
  const indices = Array.from({ length: rows }, (_, row) => row)
  if (size === 0 || !indices.some(starts)) return false
  for (const row of indices) {
    let at = 0
    while (at < size && Number(data[row * size + at]) === 0) at++
    while (at < size && Number(data[row * size + at]) !== 0) at++
    if (at === size) continue
    throw new InputError(
      `Row ${row} of ${name} has padding after its tokens, and another row has it before them. This model’s attention (GroupQueryAttention) takes the lengths of rows, so that all must be padded on the same side.`,
      [],
      'pad every row on the left, or every row on the right',
    )
  }
  return true
}
