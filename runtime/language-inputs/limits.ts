import { type DeclaredInput, InputError } from '../errors/input.ts'
import type { OnnxGraph } from '../onnx/graph/graph.ts'
import { madeFrom } from '../onnx/graph/made-from.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import { idsInput } from './roles.ts'

/** The number of rows in a table of the model that an input indexes. */
export interface TableLimit {
  readonly input: string
  readonly rows: number
  /** What the rows are for. With 'length', the model counts positions itself, and the input's number of tokens is limited. */
  readonly kind: 'token' | 'position' | 'length'
}

/** Index of GroupQueryAttention's input with the table of its rotary embedding. */
const ROTARY_TABLE = 7

/** Operators that pass indices on unchanged. */
const PASSES_INDICES = new Set(['Identity', 'Cast', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten', 'Expand', 'Slice'])

/**
 * Finds inputs that index a table of the model, token ids and positions, by the graph and not by names. If a model counts its positions
 * itself, the table limits the number of tokens.
 */
export function tableLimits(graph: OnnxGraph): TableLimit[] {
  const ids = idsInput(graph.inputs.map(input => ({ ...input, type: input.type ?? '' })))
  const inputs = new Set(graph.inputs.map(({ name }) => name))
  const found = new Map<string, TableLimit>()
  const mask = graph.inputs.find(({ name }) => /attention_mask$/.test(name))?.name ?? ids
  for (const { domain, opType, inputs: read, proto, cluster } of graph.nodes) {
    const tables = cluster && graph.initializers.get(cluster.fused.inputs[ROTARY_TABLE])?.dims
    if (tables && mask !== undefined && cluster.fused.opType === 'GroupQueryAttention')
      found.set(`length ${mask}`, { input: mask, rows: Number(tables[0]), kind: 'length' })
    const isGather = opType === 'Gather' && domain === ''
    if (!isGather && !(opType === 'GatherBlockQuantized' && domain === 'com.microsoft')) continue
    const axis = Number(proto.attribute.find(({ name }) => name === (isGather ? 'axis' : 'gather_axis'))?.i ?? 0)
    const dims = graph.initializers.get(read[0])?.dims
    // A Gather from a vector computes sizes.
    if (axis !== 0 || dims === undefined || dims.length < 2) continue
    const source = sourceOf(graph, read[1])
    const counted = lengthOf(graph, source)
    const input = counted === undefined ? source : ids
    if (input === undefined || !inputs.has(input)) continue
    // An encoder of pictures or sound counts its own positions, which are not those of the tokens.
    if (counted !== undefined && !madeFrom(graph, read[1]).has(input)) continue
    const rows = Math.min(Number(dims[0]), counted ?? Number.POSITIVE_INFINITY)
    const kind = counted !== undefined ? 'length' : /position/i.test(input) ? 'position' : 'token'
    const known = found.get(`${kind} ${input}`)
    if (!known || rows < known.rows) found.set(`${kind} ${input}`, { input, rows, kind })
  }
  return [...found.values()]
}

function sourceOf(graph: OnnxGraph, value: string): string {
  let name = value
  for (
    let node = graph.producer.get(name)?.node;
    node && PASSES_INDICES.has(node.opType);
    node = graph.producer.get(name)?.node
  )
    name = node.inputs[0]
  return name
}

/** The most positions that a model counts itself: the length of its constant list, infinite for a Range; undefined if it counts none. */
function lengthOf(graph: OnnxGraph, source: string): number | undefined {
  if (graph.producer.get(source)?.node.opType === 'Range') return Number.POSITIVE_INFINITY
  const list = graph.initializers.get(source)?.dims
  return list && list.length > 0 && Number(list.at(-1)) > 1 ? Number(list.at(-1)) : undefined
}

/** @throws InputError for ids, positions and lengths beyond the model's tables */
export function assertWithinTables(
  declared: readonly DeclaredInput[],
  limits: readonly TableLimit[],
  inputs: ReadonlyMap<string, TensorData>,
): void {
  for (const { input, rows, kind } of limits) {
    const { data, dims } = inputs.get(input) ?? {}
    if (!data || Array.isArray(data)) continue
    if (kind === 'length') {
      const tokens = dims?.at(-1) ?? 0
      if (tokens > rows) throw tooLong(declared, input, tokens, rows)
      continue
    }
    for (let i = 0; i < data.length; i++) {
      const index = Number(data[i])
      if (index < rows && index >= -rows) continue
      throw kind === 'position'
        ? tooLong(declared, input, index + 1, rows)
        : new InputError(
            `${input} has the id ${index}, and the model’s vocabulary has ${rows} tokens: 0 to ${rows - 1}.`,
            declared,
            'use the tokenizer that the model was trained with',
          )
    }
  }
}

function tooLong(declared: readonly DeclaredInput[], input: string, tokens: number, rows: number): InputError {
  return new InputError(
    `${input} makes ${tokens} tokens, but the model has only ${rows} positions.`,
    declared,
    `shorten the prompt: prompt and generated tokens together can have ${rows}`,
  )
}

/** @throws InputError for a prompt without tokens */
export function assertNotEmpty(
  declared: readonly DeclaredInput[],
  ids: string,
  inputs: ReadonlyMap<string, TensorData>,
): void {
  const dims = inputs.get(ids)?.dims
  if (!dims?.includes(0)) return
  throw new InputError(
    `${ids} has no tokens: its dims are [${dims.join(', ')}].`,
    declared,
    'give each prompt at least one token',
  )
}
