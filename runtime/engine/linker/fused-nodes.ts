import type { Recording } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { Cluster, GraphNode } from '../../onnx/graph/node.ts'

/** Decides which fused nodes run as one node: those inside which the recording reads and writes nothing. The others are expanded. */
export class FusedNodes {
  readonly #graph: OnnxGraph
  readonly #expanded = new Set<Cluster>()
  /** Optional outputs that the recording reads and the file leaves out, by index. */
  readonly #addedOutputs = new Map<Cluster, Map<number, string>>()

  /** @param alreadyComputed values that were computed earlier in the same trace */
  constructor(graph: OnnxGraph, recording: Recording, form: NormalForm, alreadyComputed: ReadonlySet<string>) {
    this.#graph = graph
    for (const name of alreadyComputed) {
      const cluster = this.#makerOf(name)
      if (cluster) this.expand(cluster)
    }
    for (const tap of recording.writes.keys()) this.#write(tap.tensor)
    for (const expression of form.order) if (expression.kind === 'read') this.#read(expression.tap.tensor)
  }

  runsFused(cluster: Cluster): boolean {
    return !this.#expanded.has(cluster)
  }

  expand(cluster: Cluster): void {
    this.#expanded.add(cluster)
  }

  /** The fused node's outputs: the file's, and the optional ones that the recording reads. */
  outputsOf(cluster: Cluster): readonly string[] {
    const added = this.#addedOutputs.get(cluster)
    if (!added) return cluster.fused.outputs
    const outputs = [...cluster.fused.outputs]
    for (const [index, name] of added) {
      while (outputs.length < index) outputs.push('')
      outputs[index] = name
    }
    return outputs
  }

  /** A write expands the operator if the value lies inside it, or if other nodes of the expansion read the value. */
  #write(tensor: string): void {
    const cluster = this.#makerOf(tensor)
    if (!cluster) return
    const isReadInside = cluster.nodes.some(node => node.inputs.includes(tensor))
    if (isReadInside || !cluster.fused.outputs.includes(tensor)) this.expand(cluster)
  }

  #read(tensor: string): void {
    const cluster = this.#makerOf(tensor)
    if (!cluster || cluster.fused.outputs.includes(tensor)) return
    const index = cluster.optional.get(tensor)
    if (index === undefined) {
      this.expand(cluster)
      return
    }
    const outputs = this.#addedOutputs.get(cluster)
    if (outputs) outputs.set(index, tensor)
    else this.#addedOutputs.set(cluster, new Map([[index, tensor]]))
  }

  #makerOf(tensor: string): Cluster | undefined {
    return this.#graph.producer.get(tensor)?.node.cluster
  }
}

/** Replaces a cluster's nodes by the fused node, if all are in the list and neither `from` nor `to` is a value inside the cluster. */
export function fuseComplete(nodes: readonly GraphNode[], from: string, to: string): GraphNode[] {
  const parts = new Map<Cluster, number>()
  for (const { cluster } of nodes) if (cluster) parts.set(cluster, (parts.get(cluster) ?? 0) + 1)
  const isComplete = (cluster: Cluster): boolean =>
    parts.get(cluster) === cluster.nodes.length &&
    !cluster.producedValues.has(from) &&
    (!cluster.producedValues.has(to) || cluster.fused.outputs.includes(to))
  return nodes.flatMap(node => {
    const { cluster } = node
    if (!cluster || !isComplete(cluster)) return [node]
    return cluster.nodes[0] === node ? [cluster.fused] : []
  })
}
