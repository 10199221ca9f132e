import type { DeclaredInput } from '../errors/input.ts'
import type { OnnxGraph } from '../onnx/graph/graph.ts'

/** The inputs and outputs that a model declares. */
interface Signature {
  readonly inputs: readonly DeclaredInput[]
  readonly outputs: readonly DeclaredInput[]
}

/** The name of the input that holds token ids, if there is one of rank 2 with a usual name. */
export function idsOf({ inputs }: Signature): string | undefined {
  const named = ['input_ids', 'decoder_input_ids'].find(name => inputs.some(input => input.name === name))
  const declared = inputs.find(input => input.name === named)
  return declared && /^u?int/.test(declared.type) && declared.dims?.length === 2 ? named : undefined
}

/** The input with the token ids that the logits follow: those of the decoder, if the model has an encoder of texts too. */
export function decodedIdsOf(signature: Signature): string | undefined {
  const ids = idsOf(signature)
  const own = 'decoder_input_ids'
  return ids && signature.inputs.some(({ name }) => name === own) ? own : ids
}

/**
 * The output that holds logits: a float output of rank 3 that is called `logits`, or whose last dim is the number of rows of the embedding
 * that the ids are looked up in.
 */
export function logitsOf({ outputs }: Signature, graph: OnnxGraph, ids: string | undefined): string | undefined {
  if (ids === undefined) return undefined
  const candidates = outputs.filter(({ type, dims }) => type.includes('float') && dims?.length === 3)
  const entries = new Set<unknown>(tableLengths(graph, ids))
  const isLogits = ({ name, dims }: DeclaredInput) => name === 'logits' || entries.has(dims!.at(-1))
  return candidates.find(isLogits)?.name
}

function tableLengths({ consumers, initializers }: OnnxGraph, ids: string): number[] {
  return (consumers.get(ids) ?? [])
    .filter(({ opType }) => opType === 'Gather')
    .flatMap(({ inputs: [table] }) => {
      const dims = initializers.get(table)?.dims
      return dims?.length === 2 ? [Number(dims[0])] : []
    })
}
