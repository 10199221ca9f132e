import { OnnsightError } from '../errors/error.ts'
import type { Tap } from '../graph/expression.ts'
import type { OnnxGraph } from '../onnx/graph/graph.ts'
import { findLayers } from './layers.ts'
import type { Taps } from './taps.ts'
import type { ModuleNode } from './tree.ts'

/** The model's repeated layers, and the modules between the last layer and the logits. */
export interface FoundLens {
  readonly layers: readonly ModuleNode[]
  /** For each layer: the value that it passes to the next layer. */
  readonly leaving: readonly Tap[]
  readonly logits: Tap
  /** Modules on the way from the last layer to the logits, in running order. */
  readonly head: readonly ModuleNode[]
  /**
   * Whether the head gives a position the same logits with any other positions beside it. It does not if a scale of quantisation is that of all
   * positions, and may not run at all if the model takes one length alone.
   */
  readonly takesAnyPositions: boolean
}

/** What a logit lens needs, or the reason why this model can't have one. */
export function findLens(taps: Taps, logits: string | undefined): FoundLens | { readonly why: string } {
  if (logits === undefined) return { why: 'The model has no output that is known to hold logits for each token.' }
  const { tree } = taps
  const all = findLayers(tree)
  const least = Math.max(...all.map(({ nodes }) => nodes.length)) / 4
  // onnxruntime-genai numbers the final norm as one more layer.
  const last = all.findLast(({ nodes }) => nodes.length >= least)
  if (!last) return { why: 'The model has no numbered list of layers: none was found in the names of its nodes.' }
  const layers = all.filter(({ parent, nodes }) => parent === last.parent && nodes.length >= least)
  const leaving: Tap[] = []
  for (const layer of layers) {
    try {
      leaving.push(taps.outputTap(layer))
    } catch (error) {
      if (!(error instanceof OnnsightError)) throw error
      return { why: `${layer.path} has no single output: ${error.message.split('\n')[0]}` }
    }
  }
  const from = leaving.at(-1)!.tensor
  const between = nodesBetween(tree.graph, from, logits)
  if (between.length === 0) return { why: `Nothing leads from ${last.path} to ${logits}.` }
  const inLayers = new Set(layers.flatMap(layer => layer.nodes))
  const inLayer = between.find(index => inLayers.has(index))
  if (inLayer !== undefined)
    return {
      why: `The way from ${last.path} to ${logits} leads through a layer again, at ${tree.graph.nodes[inLayer].name}.`,
    }
  const tap = taps.outputTaps(tree.root).get(logits) ?? taps.tensorTap(logits)
  const isOfOneLength = typeof tree.graph.outputs.find(({ name }) => name === logits)?.dims?.[1] === 'number'
  const mixes = between.some(index => tree.graph.nodes[index].opType.startsWith('DynamicQuantize'))
  const head = modulesOf(taps, between, last)
  return { layers, leaving, logits: tap, head, takesAnyPositions: !isOfOneLength && !mixes }
}

/** The nodes that compute `to` from `from`, in running order. */
function nodesBetween(graph: OnnxGraph, from: string, to: string): number[] {
  const reached = new Set([from])
  const after = graph.nodes.filter(node => {
    const reads = [...node.inputs, ...node.captures].some(name => reached.has(name))
    if (reads) for (const name of node.outputs) if (name !== '') reached.add(name)
    return reads
  })
  const wanted = new Set([to])
  const between: number[] = []
  for (const node of after.toReversed()) {
    if (!node.outputs.some(name => wanted.has(name))) continue
    for (const name of [...node.inputs, ...node.captures]) if (name !== from) wanted.add(name)
    between.unshift(node.index)
  }
  return between
}

/** The outermost modules that hold these nodes and not the layers. */
function modulesOf({ tree }: Taps, nodes: readonly number[], layer: ModuleNode): ModuleNode[] {
  const found = new Set<ModuleNode>()
  for (const index of nodes) {
    let module: ModuleNode | undefined = tree.scopeOf(tree.graph.nodes[index])
    if (holds(module, layer)) continue
    while (module.parent && !holds(module.parent, layer)) module = module.parent
    found.add(module)
  }
  return [...found]
}

const holds = (module: ModuleNode, inner: ModuleNode): boolean =>
  module.path === '' || inner.path === module.path || inner.path.startsWith(`${module.path}.`)
