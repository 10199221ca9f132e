import type { Dims, Expression, Operation } from '../../graph/expression.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Program } from '../blocks/program.ts'
import { copyId, type LinkedUnits, readsOf, type Unit } from './unit.ts'

/** At most this part of the rows is selected first: what a greater part saves would not pay for a session of its own. */
const MOST = 0.5

/**
 * Avoids computing rows that nobody reads. If only some rows of a node's result are read, and each of them depends on the same row of one
 * input only, the rows are selected from that input before the node. Reading the last position's logits then costs one row of the head.
 */
export function selectRowsFirst(
  program: Program,
  demand: LinkedUnits,
  results: readonly string[],
  { most = MOST }: { readonly most?: number } = {},
): void {
  const { units } = demand
  const readers = readersOf(units)
  const wanted = new Set(results)
  let at = 0
  while (at < units.length) {
    const selection = units[at]
    const rows = selection.operation && selectedRows(selection.operation, most)
    const maker = rows && demand.producers.get(selection.inputs[0])
    const isOnlyReader = maker && !wanted.has(selection.inputs[0]) && readers.get(selection.inputs[0]) === 1
    const input = isOnlyReader ? inputOfRows(program, maker, rows) : undefined
    if (!maker || input === undefined) {
      at++
      continue
    }
    // The node's input has as many readers as before. The selected rows have one, so the selection may move further.
    const first = moveSelection(program, demand, selection, maker, input)
    readers.set(first.outputs[0], 1)
    at = units.lastIndexOf(first, at)
  }
}

/**
 * Which of the recorded ranges and lists are of few rows. Plans differ by it, although the ends of a range are operands: a plan for all rows would
 * compute all, also where a later run reads few.
 */
export function fewRowsIn(order: readonly Expression[]): string {
  const few: number[] = []
  for (const [i, expression] of order.entries())
    if (expression.kind === 'operation' && isSelection(expression) && selectedRows(expression, MOST)) few.push(i)
  return few.join(' ')
}

const isSelection = ({ opType }: Operation): boolean => opType === 'Slice' || opType === 'Gather'

/** How many units read each value. */
function readersOf(units: readonly Unit[]): Map<string, number> {
  const readers = new Map<string, number>()
  for (const unit of units) for (const id of new Set(readsOf(unit))) readers.set(id, (readers.get(id) ?? 0) + 1)
  return readers
}

interface RowSelection {
  /** The number of axes of the value that rows are selected from. */
  readonly rank: number
}

/** Recognises a unit that selects a few rows: one index, or a range or a list of at most such a part of the rows, along any axis but the last. */
function selectedRows(operation: Operation, most: number): RowSelection | undefined {
  const dims = operation.inputs[0]?.dims
  if (!dims) return undefined
  const last = dims.length - 1
  if (operation.opType === 'Gather') {
    const axis = intOf(operation, 'axis') ?? 0
    const isFew = countOf(operation.inputs[1]?.dims) <= most * (dims[axis] ?? 0)
    const isOne = operation.inputs[1]?.dims?.length === 0
    return (isOne || isFew) && axis >= 0 && axis < last ? { rank: dims.length } : undefined
  }
  if (operation.opType !== 'Slice') return undefined
  const [starts, ends, axes] = operation.inputs.slice(1, 4).map(numbersOf)
  if (!starts || !ends || axes?.length !== 1 || axes[0] < 0 || axes[0] >= last) return undefined
  const size = dims[axes[0]]
  if (size === undefined) return undefined
  const at = (n: number): number => Math.min(size, Math.max(0, n < 0 ? n + size : n))
  return Math.abs(at(ends[0]) - at(starts[0])) <= size * most ? { rank: dims.length } : undefined
}

/** The length of a list of indices. */
const countOf = (dims: Dims | undefined): number =>
  (dims?.length === 1 ? dims[0] : undefined) ?? Number.POSITIVE_INFINITY

function intOf(operation: Operation, name: string): number | undefined {
  const attribute = operation.attributes[name]
  return attribute && 'int' in attribute ? attribute.int : undefined
}

function numbersOf(value: Operation['inputs'][number]): number[] | undefined {
  if (!value) return undefined
  const { expression } = value
  if (expression.kind !== 'operand' && expression.kind !== 'constant') return undefined
  return Array.from(expression.data.data as ArrayLike<number | bigint>, Number)
}

/** Index of the input whose rows become the rows of the node's result; undefined if a row of the result depends on other rows. */
function inputOfRows(program: Program, { kind, node }: Unit, { rank }: RowSelection): number | undefined {
  if (!node || kind === 'operation') return undefined
  // A product with a packed matrix.
  if (node.domain === 'com.microsoft' && node.opType === 'MatMulNBits') return 0
  if (node.domain !== '') return undefined
  const isWeight = (name: string, most: number): boolean => {
    const dims = program.weights.get(name)?.dims
    return dims !== undefined && dims.length <= most
  }
  const [first, second] = node.inputs
  switch (node.opType) {
    case 'MatMul':
      return isWeight(second, 2) && program.weights.get(second)!.dims.length === 2 ? 0 : undefined
    case 'Add':
    case 'Mul':
      if (isWeight(second, 1) && hasRank(program, first, rank)) return 0
      return isWeight(first, 1) && hasRank(program, second, rank) ? 1 : undefined
    case 'Cast':
    case 'Identity':
      return 0
    default:
      return undefined
  }
}

/** Whether a value has this rank: with a vector of weights, the result then has the value's own rank. */
function hasRank(program: Program, name: string, rank: number): boolean {
  return program.dimsOf(name)?.length === rank
}

/** Moves the row selection before the node: the node then runs on the selected rows only. Returns the moved selection. */
function moveSelection(program: Program, demand: LinkedUnits, selection: Unit, maker: Unit, input: number): Unit {
  const node = maker.node as GraphNode
  const from = maker.inputs[input]
  const rows = copyId(selection.expression!, `${from} of ${node.name}`)
  const type = demand.types.get(from) ?? program.typeOf(from)
  if (type) demand.types.set(rows, type)
  const first: Unit = { ...selection, inputs: [from, ...selection.inputs.slice(1)], outputs: [rows] }
  const then: Unit = {
    kind: 'copy',
    node,
    ...(selection.expression === undefined ? {} : { expression: selection.expression }),
    inputs: maker.inputs.map((id, i) => (i === input ? rows : id)),
    captures: maker.captures,
    outputs: selection.outputs,
    isRewired: true,
  }
  const { units } = demand
  units.splice(units.indexOf(maker), 1)
  units.splice(units.indexOf(selection), 1, first, then)
  for (const id of maker.outputs) demand.producers.delete(id)
  demand.producers.set(rows, first)
  for (const id of selection.outputs) demand.producers.set(id, then)
  return first
}
