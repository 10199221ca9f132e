import type { Declared, Model } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { OnnxGraph } from '../../runtime/onnx/graph/graph.ts'
import { asInFile } from '../../runtime/onnx/graph/node.ts'
import { Sizes } from './sizes.ts'

/** What `onnsight inspect --json` prints: docs/command-line.md describes it. */
export interface Inspection {
  readonly version: 1
  readonly file: string
  readonly irVersion: number
  /** By domain; `ai.onnx` is the default one. */
  readonly opsets: Readonly<Record<string, number>>
  readonly inputs: readonly Declared[]
  readonly outputs: readonly Declared[]
  readonly nodes: number
  /** Nodes by operation, the most frequent first; of other domains than ai.onnx as `com.microsoft.Attention`. */
  readonly operations: Readonly<Record<string, number>>
  /** Numbers in all weights, and their bytes. What several modules share counts once. */
  readonly parameters: number
  readonly bytes: number
  /** Parents first; the model itself has the path ''. Counts are of a module with all below. */
  readonly modules: readonly InspectedModule[]
  readonly blocks: readonly { readonly label: string; readonly nodes: number }[]
  /** How branches are taken that inputs or constants decide: of those the usual ones are shown. */
  readonly branches: readonly string[]
}

export interface InspectedModule {
  readonly path: string
  readonly className?: string
  readonly nodes: number
  readonly parameters: number
  readonly bytes: number
  /** Its own, without those of its children. */
  readonly weights: readonly InspectedWeight[]
}

export interface InspectedWeight {
  readonly name: string
  readonly type: string
  readonly dims: readonly number[]
  /** What is to be said of how the file holds it: `4 bits`. */
  readonly note?: string
}

/** What a model is, as data. */
export function inspection(model: Model): Inspection {
  const { binding } = handleOf(model)!
  const { tree } = binding.taps
  const sizes = new Sizes(tree.graph)
  return {
    version: 1,
    file: model.name,
    irVersion: tree.graph.irVersion,
    opsets: Object.fromEntries([...tree.graph.opsets].map(([domain, version]) => [domain || 'ai.onnx', version])),
    inputs: model.signature.inputs,
    outputs: model.signature.outputs,
    nodes: asInFile(tree.graph.nodes).length,
    operations: operationsIn(tree.graph),
    ...sizes.of(tree.root),
    modules: tree.modules.map(module => inspectModule(module, sizes)),
    blocks: model.engine.blocks,
    branches: binding.branches,
  }
}

function inspectModule(module: ModuleNode, sizes: Sizes): InspectedModule {
  const { path, className, nodes, weights, parameters } = module
  return {
    path,
    ...(className ? { className } : {}),
    nodes: nodes.length,
    ...sizes.of(module),
    weights: [
      ...[...parameters].map(([name, { dims, stored, note, form }]) => {
        const [data, scale] = stored.map(part => sizes.weight(part).type)
        const type = form.kind === 'scaled' || stored.length > 1 ? scale : data
        return { name, type, dims, ...(note ? { note } : {}) }
      }),
      ...[...weights]
        .filter(([name]) => !parameters.has(name))
        .map(([name, initializer]) => ({ name, ...sizes.weight(initializer) })),
    ],
  }
}

function operationsIn({ nodes }: OnnxGraph): Record<string, number> {
  const counts = new Map<string, number>()
  for (const { domain, opType } of asInFile(nodes)) {
    const name = domain === '' ? opType : `${domain}.${opType}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)))
}
