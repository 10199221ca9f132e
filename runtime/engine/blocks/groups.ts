import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import { asInFile } from '../../onnx/graph/node.ts'
import type { Block, Part } from './blocks.ts'

/**
 * Neighbouring blocks that are one session while no intervention reaches inside any of them. Starting a session's threads costs some
 * tenths of a millisecond (measured: 0.3 ms on 2 cores), which is nothing beside a large block's work, and much beside a small one's.
 */
export interface Group extends Part {
  readonly index: number
  readonly blocks: readonly Block[]
}

/** Joins blocks until each group's work, in bytes of weights, is at least `least`. */
export function groupBlocks(
  graph: OnnxGraph,
  blocks: readonly Block[],
  bytesOf: (weight: string) => number,
  least: number,
): Group[] {
  const members: Block[][] = []
  let work = Number.POSITIVE_INFINITY
  for (const block of blocks) {
    if (work >= least) {
      members.push([])
      work = 0
    }
    members[members.length - 1].push(block)
    work += workOf(graph, block, bytesOf)
  }
  if (work < least && members.length > 1) members.push(members.splice(-2).flat())
  return members.map((list, index) => join(list, index, blocks.length))
}

/** Bytes of the weights that a block computes with: looking a row up in a table is no work. */
function workOf(graph: OnnxGraph, block: Block, bytesOf: (weight: string) => number): number {
  const weights = new Set<string>()
  for (const node of asInFile(block.nodes)) {
    if (node.opType === 'Gather') continue
    for (const name of [...node.inputs, ...node.captures]) if (graph.initializers.has(name)) weights.add(name)
  }
  let bytes = 0
  for (const name of weights) bytes += bytesOf(name)
  return bytes
}

/** Every block's own outputs leave the group too: one that nobody fetches costs nothing. */
function join(blocks: readonly Block[], index: number, count: number): Group {
  const outputs = new Set(blocks.flatMap(block => block.outputs))
  const inputs = new Set(blocks.flatMap(block => block.inputs).filter(name => !outputs.has(name)))
  const [first, last] = [blocks[0], blocks[blocks.length - 1]]
  const whole = blocks.length === count ? 'whole graph' : `${first.label} … ${last.label}`
  return {
    index,
    blocks,
    label: blocks.length === 1 ? first.label : whole,
    nodes: blocks.flatMap(block => block.nodes),
    inputs: [...inputs],
    outputs: [...outputs],
    random: blocks.some(block => block.random),
  }
}
