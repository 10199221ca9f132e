import { Graph, layout } from '@dagrejs/dagre'
import type { ModuleGraph } from '../../../protocol/api.ts'

/** An item at its place. */
export interface Box {
  readonly id: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

interface Point {
  readonly x: number
  readonly y: number
}

export interface Layout {
  readonly width: number
  readonly height: number
  readonly boxes: readonly Box[]
  readonly lines: readonly { readonly key: string; readonly points: readonly Point[] }[]
}

const HEIGHT = 28
const widthOf = (name: string): number => Math.min(220, 22 + 7.3 * name.length)

/** For more items than this, a faster way to choose ranks is used. */
const MANY = 150

/** Places items so that values flow down. */
export function layoutOf({ items, edges }: ModuleGraph): Layout {
  const graph = new Graph()
  const ranker = items.length > MANY ? 'longest-path' : 'network-simplex'
  graph.setGraph({ ranksep: 26, nodesep: 18, marginx: 8, marginy: 8, ranker })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id, name } of items) graph.setNode(id, { width: widthOf(name), height: HEIGHT })
  for (const { from, to } of edges) graph.setEdge(from, to)
  layout(graph)
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  return {
    width,
    height,
    boxes: items.map(({ id }) => ({ ...(graph.node(id) as unknown as Box), id })),
    lines: edges.map(({ from, to }) => ({
      key: `${from} ${to}`,
      points: (graph.edge(from, to) as unknown as { points: Point[] }).points,
    })),
  }
}
