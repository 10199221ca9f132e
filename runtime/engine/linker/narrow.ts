import type { Operation } from '../../graph/expression.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Program } from '../blocks/program.ts'
import type { Demand } from './demand.ts'
import { copyId, readsOf, type Unit } from './unit.ts'

/**
 * Rows that nobody reads need not be computed: where all that is read of a node's result is some rows of it, and each row comes from the
 * same row of what goes in, the rows are picked first. Reading the last position's logits then costs one row of the head, not all.
 */
export function narrow(program: Program, demand: Demand, results: readonly string[]): void {
  const { units } = demand
  const readers = readersOf(units)
  const wanted = new Set(results)
  let at = 0
  while (at < units.length) {
    const pick = units[at]
    const rows = rowsPicked(pick)
    const made = rows && demand.producers.get(pick.inputs[0])
    const isOnlyReader = made && !wanted.has(pick.inputs[0]) && readers.get(pick.inputs[0]) === 1
    const through = isOnlyReader ? byRow(program, made, rows) : undefined
    if (!made || through === undefined) {
      at++
      continue
    }
    // What the node reads has as many readers as before; the picked rows have one, and may be picked earlier still.
    const first = swap(program, demand, pick, made, through)
    readers.set(first.outputs[0], 1)
    at = units.lastIndexOf(first, at)
  }
}

/** How many units read each value. */
function readersOf(units: readonly Unit[]): Map<string, number> {
  const readers = new Map<string, number>()
  for (const unit of units) for (const id of new Set(readsOf(unit))) readers.set(id, (readers.get(id) ?? 0) + 1)
  return readers
}

interface Rows {
  /** Axes that the pick takes from, none of them the last. */
  readonly rank: number
}

/** Whether a unit picks a few rows: one index, or a range of less than half, never along the last axis. */
function rowsPicked({ operation }: Unit): Rows | undefined {
  if (!operation) return undefined
  const dims = operation.inputs[0]?.dims
  if (!dims) return undefined
  const last = dims.length - 1
  if (operation.opType === 'Gather') {
    const axis = intOf(operation, 'axis') ?? 0
    const isOne = operation.inputs[1]?.dims?.length === 0
    return isOne && axis >= 0 && axis < last ? { rank: dims.length } : undefined
  }
  if (operation.opType !== 'Slice') return undefined
  const [starts, ends, axes] = operation.inputs.slice(1, 4).map(numbersOf)
  if (!starts || !ends || axes?.length !== 1 || axes[0] < 0 || axes[0] >= last) return undefined
  const size = dims[axes[0]]
  if (size === undefined) return undefined
  const at = (n: number): number => Math.min(size, Math.max(0, n < 0 ? n + size : n))
  return Math.abs(at(ends[0]) - at(starts[0])) * 2 <= size ? { rank: dims.length } : undefined
}

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

/** Which of a node's inputs its rows come from; undefined if a row of the result needs more than that row. */
function byRow(program: Program, { kind, node }: Unit, { rank }: Rows): number | undefined {
  if (!node || kind === 'operation') return undefined
  // A product with a packed matrix: its rows are those of its first input.
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

/** A weight of rank 1 must not be what gave the result its rank. */
function hasRank(program: Program, name: string, rank: number): boolean {
  return program.dimsOf(name)?.length === rank
}

/** Picks the rows of what goes into the node, and gives the node's copy on them the pick's own result. Returns the pick as it is now. */
function swap(program: Program, demand: Demand, pick: Unit, made: Unit, through: number): Unit {
  const node = made.node as GraphNode
  const from = made.inputs[through]
  const rows = copyId(pick.expression!, `${from} of ${node.name}`)
  const type = demand.types.get(from) ?? program.typeOf(from)
  if (type) demand.types.set(rows, type)
  const first: Unit = { ...pick, inputs: [from, ...pick.inputs.slice(1)], outputs: [rows] }
  const then: Unit = {
    kind: 'copy',
    node,
    ...(pick.expression === undefined ? {} : { expression: pick.expression }),
    inputs: made.inputs.map((id, i) => (i === through ? rows : id)),
    captures: made.captures,
    outputs: pick.outputs,
    rewired: true,
  }
  const { units } = demand
  units.splice(units.indexOf(made), 1)
  units.splice(units.indexOf(pick), 1, first, then)
  for (const id of made.outputs) demand.producers.delete(id)
  demand.producers.set(rows, first)
  for (const id of pick.outputs) demand.producers.set(id, then)
  return first
}
