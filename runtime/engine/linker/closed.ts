import type { Recording } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { Cluster, GraphNode } from '../../onnx/graph/node.ts'

/** Which fused nodes of a graph run as they are under a recording: those inside of which it reads and writes nothing. */
export class ClosedClusters {
  readonly #graph: OnnxGraph
  readonly #opened = new Set<Cluster>()
  /** Results that fused nodes are asked for beside those that the file asks for. */
  readonly #asked = new Map<Cluster, Map<number, string>>()

  /** @param given values that were computed earlier in the same trace */
  constructor(graph: OnnxGraph, recording: Recording, form: NormalForm, given: ReadonlySet<string>) {
    this.#graph = graph
    for (const name of given) {
      const cluster = this.#makerOf(name)
      if (cluster) this.open(cluster)
    }
    for (const tap of recording.writes.keys()) this.#write(tap.tensor)
    for (const expression of form.order) if (expression.kind === 'read') this.#read(expression.tap.tensor)
  }

  has(cluster: Cluster): boolean {
    return !this.#opened.has(cluster)
  }

  open(cluster: Cluster): void {
    this.#opened.add(cluster)
  }

  /** What the fused node gives: its own results, and those that the recording asks for. */
  outputsOf(cluster: Cluster): readonly string[] {
    const asked = this.#asked.get(cluster)
    if (!asked) return cluster.fused.outputs
    const outputs = [...cluster.fused.outputs]
    for (const [index, name] of asked) {
      while (outputs.length < index) outputs.push('')
      outputs[index] = name
    }
    return outputs
  }

  /** A value that other parts of the same operator read can't be replaced for them without writing the operator out. */
  #write(tensor: string): void {
    const cluster = this.#makerOf(tensor)
    if (!cluster) return
    const isReadInside = cluster.nodes.some(node => node.inputs.includes(tensor))
    if (isReadInside || !cluster.fused.outputs.includes(tensor)) this.open(cluster)
  }

  #read(tensor: string): void {
    const cluster = this.#makerOf(tensor)
    if (!cluster || cluster.fused.outputs.includes(tensor)) return
    const index = cluster.optional.get(tensor)
    if (index === undefined) {
      this.open(cluster)
      return
    }
    const asked = this.#asked.get(cluster)
    if (asked) asked.set(index, tensor)
    else this.#asked.set(cluster, new Map([[index, tensor]]))
  }

  #makerOf(tensor: string): Cluster | undefined {
    return this.#graph.producer.get(tensor)?.node.cluster
  }
}

/** Nodes with the fused one in the place of its parts, where they are all there and neither end lies among them. */
export function closeWhole(nodes: readonly GraphNode[], from: string, to: string): GraphNode[] {
  const parts = new Map<Cluster, number>()
  for (const { cluster } of nodes) if (cluster) parts.set(cluster, (parts.get(cluster) ?? 0) + 1)
  const isClosed = (cluster: Cluster): boolean =>
    parts.get(cluster) === cluster.nodes.length &&
    !cluster.made.has(from) &&
    (!cluster.made.has(to) || cluster.fused.outputs.includes(to))
  return nodes.flatMap(node => {
    const { cluster } = node
    if (!cluster || !isClosed(cluster)) return [node]
    return cluster.nodes[0] === node ? [cluster.fused] : []
  })
}
