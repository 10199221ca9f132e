import type { Declared, Model } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { OnnxGraph } from '../../runtime/onnx/graph/graph.ts'
import { asInFile } from '../../runtime/onnx/graph/node.ts'
import { Sizes } from './sizes.ts'

/** The JSON that `onnsight inspect --json` prints; docs/command-line.md describes it. */
export interface Inspection {
  readonly version: 1
  readonly file: string
  readonly irVersion: number
  /** Versions by domain; `ai.onnx` is the default domain. */
  readonly opsets: Readonly<Record<string, number>>
  readonly inputs: readonly Declared[]
  readonly outputs: readonly Declared[]
  readonly nodes: number
  /** How many nodes each operation has, the most frequent first. Domains other than ai.onnx are written out: `com.microsoft.Attention`. */
  readonly operations: Readonly<Record<string, number>>
  /** How many numbers all weights hold, and their size in bytes. A weight that several modules share counts once. */
  readonly parameters: number
  readonly bytes: number
  /** Parents come before their children; the model itself has the path ''. A module's counts include all modules below it. */
  readonly modules: readonly InspectedModule[]
  readonly blocks: readonly { readonly label: string; readonly nodes: number }[]
  /** Which branches are shown of the If nodes whose condition is an input or a constant. */
  readonly branches: readonly string[]
}

export interface InspectedModule {
  readonly path: string
  readonly className?: string
  readonly nodes: number
  readonly parameters: number
  readonly bytes: number
  /** The module's own weights, without those of its children. */
  readonly weights: readonly InspectedWeight[]
}

export interface InspectedWeight {
  readonly name: string
  readonly type: string
  readonly dims: readonly number[]
  /** A remark about how the file stores the weight: `4 bits`. */
  readonly note?: string
}

/** Describes a model as JSON. */
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
