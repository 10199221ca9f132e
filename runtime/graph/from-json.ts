import type { SourcePosition } from '../errors/error.ts'
import { InvalidInterventionGraphError } from '../errors/graph-json.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import type { DataType } from '../tensor/dtypes/dtype.ts'
import {
  Application,
  type Attributes,
  Constant,
  type Dims,
  type Expression,
  Gradient,
  GradientHook,
  Incoming,
  type Mark,
  Operand,
  Operation,
  type Recording,
  type Tap,
  type TapOwner,
  TapRead,
  Value,
  type Write,
} from './expression.ts'
import { GRAPH_VERSION } from './json.ts'
import { recordable } from './opsets.ts'

/** The model that a recording is read for. */
export interface GraphReader extends TapOwner {
  /** The tap, if the model has it. */
  tap(scope: string, direction: 'in' | 'out', tensor: string): Tap | undefined
  /** Checks and decodes elements. @throws InvalidInterventionGraphError */
  decode(data: unknown, where: string): TensorData
}

type Json = Readonly<Record<string, unknown>>

/**
 * Reads a recording from plain data. The data may come from an untrusted source, so every part is checked; none of it is code.
 * @throws InvalidInterventionGraphError, naming the part
 */
export function recordingFromJSON(json: unknown, reader: GraphReader): Recording {
  const { version, nodes, writes, wanted, recomputes } = record(json, 'it')
  if (version !== GRAPH_VERSION) fail('version', `is ${show(version)}, but only version ${GRAPH_VERSION} is supported`)
  const readNodes: ReadNode[] = []
  for (const [i, node] of list(nodes, 'nodes').entries())
    readNodes.push(readNode(node, `nodes[${i}]`, readNodes, reader))
  const all = new Map<Tap, Write[]>()
  for (const [i, entry] of list(writes, 'writes').entries()) {
    const where = `writes[${i}]`
    const { tap, values } = record(entry, where)
    const at = readTap(tap, `${where}.tap`, reader)
    if (all.has(at)) fail(`${where}.tap`, 'is written in two entries')
    all.set(
      at,
      list(values, `${where}.values`).map((write, k) => {
        const { value, at } = record(write, `${where}.values[${k}]`)
        return {
          value: readValue(value, `${where}.values[${k}].value`, readNodes),
          mark: readMark(at, `${where}.values[${k}].at`),
        }
      }),
    )
  }
  for (const { expression } of readNodes) {
    if (expression.kind === 'read' && expression.writes > (all.get(expression.tap)?.length ?? 0))
      fail(`the read of ${expression.tap.label}`, 'includes more writes than there are')
  }
  const values = list(wanted, 'wanted').map((value, i) => readValue(value, `wanted[${i}]`, readNodes))
  return { owner: reader, writes: all, wanted: values, recomputes: recomputes === true }
}

/** An expression with the dtype and dims of its outputs. */
interface ReadNode {
  readonly expression: Expression
  readonly results: readonly { readonly type: DataType; readonly dims: Dims | undefined }[]
}

function readNode(json: unknown, where: string, readNodes: readonly ReadNode[], reader: GraphReader): ReadNode {
  const node = record(json, where)
  const mark = readMark(node.at, `${where}.at`)
  switch (node.kind) {
    case 'operand':
    case 'constant': {
      const data = reader.decode(node.data, `${where}.data`)
      return { expression: node.kind === 'operand' ? new Operand(data) : new Constant(data), results: [data] }
    }
    case 'read': {
      const tap = readTap(node.tap, `${where}.tap`, reader)
      const expression = new TapRead(tap, natural(node.writes, `${where}.writes`), reader, mark)
      return { expression, results: [readResult(node.result, `${where}.result`)] }
    }
    case 'application': {
      const [from, to] = [readTap(node.from, `${where}.from`, reader), readTap(node.to, `${where}.to`, reader)]
      const input = readValue(node.input, `${where}.input`, readNodes)
      const expression = new Application(text(node.module, `${where}.module`), from, to, input, reader, mark)
      return { expression, results: [readResult(node.result, `${where}.result`)] }
    }
    case 'gradient': {
      const of = readValue(node.of, `${where}.of`, readNodes)
      const at = list(node.places, `${where}.places`).map((value, i) =>
        readValue(value, `${where}.places[${i}]`, readNodes),
      )
      const seed = node.seed === null ? undefined : readValue(node.seed, `${where}.seed`, readNodes)
      const results = list(node.results, `${where}.results`).map((result, i) =>
        readResult(result, `${where}.results[${i}]`),
      )
      if (results.length !== at.length) fail(`${where}.results`, 'has not one result for each place')
      return { expression: new Gradient(of, at, seed, mark), results }
    }
    case 'incoming':
      return { expression: new Incoming(mark), results: [readResult(node.result, `${where}.result`)] }
    case 'hook': {
      const [input, incoming, outgoing] = ['input', 'incoming', 'outgoing'].map(name =>
        readValue(node[name], `${where}.${name}`, readNodes),
      )
      if (incoming.expression.kind !== 'incoming') fail(`${where}.incoming`, 'is not what flows back to a place')
      const expression = new GradientHook(input, incoming, outgoing, mark)
      return { expression, results: [readResult(node.result, `${where}.result`)] }
    }
    case 'operation': {
      const opType = text(node.opType, `${where}.opType`)
      if (node.domain !== '' || !recordable.has(opType))
        fail(`${where}.opType`, `is ${show(opType)}, which no block records`)
      const inputs = list(node.inputs, `${where}.inputs`).map((input, i) =>
        input === null ? undefined : readValue(input, `${where}.inputs[${i}]`, readNodes),
      )
      const results = list(node.results, `${where}.results`).map((result, i) =>
        readResult(result, `${where}.results[${i}]`),
      )
      const attributes = readAttributes(node.attributes, `${where}.attributes`)
      const isDetached = node.isDetached === true
      return { expression: new Operation(opType, '', inputs, attributes, results.length, mark, isDetached), results }
    }
    default:
      return fail(`${where}.kind`, `is ${show(node.kind)}`)
  }
}

function readTap(json: unknown, where: string, reader: GraphReader): Tap {
  const { scope, direction, tensor } = record(json, where)
  if (direction !== 'in' && direction !== 'out') fail(`${where}.direction`, `is ${show(direction)}`)
  const tap = reader.tap(text(scope, `${where}.scope`), direction, text(tensor, `${where}.tensor`))
  return tap ?? fail(where, `names ${show(tensor)} at ${show(scope)}, but the model has no such place`)
}

function readValue(json: unknown, where: string, readNodes: readonly ReadNode[]): Value {
  const [node, output, ...more] = list(json, where)
  const from = readNodes[natural(node, where)]
  if (!from || more.length > 0) return fail(where, 'does not refer to an earlier node')
  const result = from.results[natural(output, where)] ?? fail(where, 'does not refer to an output of that node')
  return new Value(from.expression, output as number, result.type, result.dims)
}

const dtypes: ReadonlySet<string> = new Set(
  'float32 float16 bfloat16 float64 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool string'.split(' '),
)

function readResult(json: unknown, where: string): { type: DataType; dims: Dims | undefined } {
  const { type, dims } = record(json, where)
  if (typeof type !== 'string' || !dtypes.has(type)) return fail(`${where}.type`, `is ${show(type)}`)
  const known = dims === null ? undefined : list(dims, `${where}.dims`)
  return {
    type: type as DataType,
    dims: known?.map((dim, i) => (dim === null ? undefined : natural(dim, `${where}.dims[${i}]`))),
  }
}

function readAttributes(json: unknown, where: string): Attributes {
  const attributes = record(json, where)
  for (const [name, value] of Object.entries(attributes)) {
    const [[kind, held] = [], ...more] = Object.entries(record(value, `${where}.${name}`))
    const isGood =
      more.length === 0 &&
      ((kind === 'int' && Number.isSafeInteger(held)) ||
        (kind === 'float' && typeof held === 'number') ||
        (kind === 'string' && typeof held === 'string') ||
        (kind === 'ints' && Array.isArray(held) && held.every(Number.isSafeInteger)))
    if (!isGood) fail(`${where}.${name}`, 'is not an int, ints, float or string')
  }
  return attributes as Attributes
}

function readMark(json: unknown, where: string): Mark | undefined {
  if (json === undefined) return undefined
  const { file, line, column, source } = record(json, where)
  const place = {
    file: text(file, `${where}.file`),
    line: natural(line, `${where}.line`),
    column: natural(column, `${where}.column`),
  }
  const at: SourcePosition = source === undefined ? place : { ...place, source: readSource(source, `${where}.source`) }
  return { position: () => at, label: () => `${at.file}:${at.line}:${at.column}` }
}

function readSource(json: unknown, where: string): NonNullable<SourcePosition['source']> {
  const { firstLine, lines } = record(json, where)
  const all = list(lines, `${where}.lines`).map((line, i) => text(line, `${where}.lines[${i}]`))
  return { firstLine: natural(firstLine, `${where}.firstLine`), lines: all }
}

function record(json: unknown, where: string): Json {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json
  return fail(where, 'is not an object')
}

const list = (json: unknown, where: string): readonly unknown[] =>
  Array.isArray(json) ? (json as unknown[]) : fail(where, 'is not a list')

const text = (json: unknown, where: string): string =>
  typeof json === 'string' ? json : fail(where, 'is not a string')

const natural = (json: unknown, where: string): number =>
  Number.isSafeInteger(json) && (json as number) >= 0
    ? (json as number)
    : fail(where, `is ${show(json)}, and must be a whole number`)

/** The start of a value as text. JSON that is nested too deep can't be written by JavaScript. */
function show(json: unknown): string {
  if (typeof json === 'object' && json !== null) return Array.isArray(json) ? 'a list' : 'an object'
  return String(JSON.stringify(json)).slice(0, 60)
}

function fail(where: string, reason: string): never {
  throw new InvalidInterventionGraphError(where, reason)
}
