import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import { asInFile } from '../../onnx/graph/node.ts'
import type { Block, Part } from './blocks.ts'

/**
 * Neighbouring blocks that run in one session while no intervention reaches inside any of them. Starting a session's threads takes some
 * tenths of a millisecond (measured: 0.3 ms on 2 cores), which is little compared with a large block's work, but not with a small one's.
 */
export interface Group extends Part {
  readonly index: number
  readonly blocks: readonly Block[]
}

/** Joins blocks into groups that each compute with at least `least` bytes of weights. */
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

/** Bytes of the weights that a block computes with, without the tables that it only looks rows up in. */
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

/** The outputs of all blocks are outputs of the group: one that is not fetched costs nothing. */
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
