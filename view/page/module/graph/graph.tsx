import { useEffect, useState } from 'preact/hooks'
import type { GraphItem, ModuleGraph } from '../../../protocol/api.ts'
import type { Client } from '../../client.ts'
import { Scrolling } from '../../parts/scrolling.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { useAnswer } from '../../use-answer.ts'
import type { Box, Layout } from './layout.ts'

interface GraphProps {
  readonly client: Client
  readonly path: string
  readonly onItem: (module: string, node?: string) => void
}

/** How a module computes, as a graph. A click on a part shows its values. */
export function Graph({ client, path, onItem }: GraphProps) {
  const answer = useAnswer<ModuleGraph>(client, 'graph', { path }, `graph ${path}`)
  return <Waiting answer={answer} show={graph => <Drawing graph={graph} onItem={onItem} />} />
}

function Drawing({ graph, onItem }: { graph: ModuleGraph; onItem: GraphProps['onItem'] }) {
  const [placed, setPlaced] = useState<{ readonly graph: ModuleGraph; readonly layout: Layout }>()
  useEffect(() => {
    let isLatest = true
    // The library that places the items is loaded when it is first needed.
    void import('./layout.ts').then(({ layoutOf }) => isLatest && setPlaced({ graph, layout: layoutOf(graph) }))
    return () => {
      isLatest = false
    }
  }, [graph])
  if (placed?.graph !== graph)
    return (
      <p class="empty" aria-busy="true">
        Drawing the graph…
      </p>
    )
  const { width, height, boxes, lines } = placed.layout
  const items = new Map(graph.items.map(item => [item.id, item]))
  return (
    <>
      <p class="hint">
        Values flow down. Click a part to see what goes through it.
        {graph.omitted > 0 && ` ${graph.omitted} nodes that only compute sizes are left out.`}
      </p>
      <Scrolling label="Graph">
        <div class="graph" style={{ width: `${width}px`, height: `${height}px` }}>
          <svg width={width} height={height} aria-hidden="true">
            <defs>
              <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                <path d="M0 0L8 4L0 8z" />
              </marker>
            </defs>
            {lines.map(({ key, points }) => (
              <path
                key={key}
                class="graph-line"
                d={points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('')}
                marker-end="url(#arrow)"
              />
            ))}
          </svg>
          {boxes.map(box => (
            <Item key={box.id} box={box} item={items.get(box.id)!} path={graph.path} onItem={onItem} />
          ))}
        </div>
      </Scrolling>
    </>
  )
}

interface ItemProps {
  readonly box: Box
  readonly item: GraphItem
  readonly path: string
  readonly onItem: GraphProps['onItem']
}

function Item({ box: { x, y, width, height }, item: { kind, name, path: child, node }, path, onItem }: ItemProps) {
  const style = { left: `${x - width / 2}px`, top: `${y - height / 2}px`, width: `${width}px`, height: `${height}px` }
  if (kind === 'input' || kind === 'output')
    return (
      <span class={`graph-item is-${kind}`} style={style} title={`${kind} ${name}`}>
        {name}
      </span>
    )
  return (
    <button
      type="button"
      class={`graph-item is-${kind}`}
      style={style}
      title={node ?? child}
      onClick={() => onItem(child ?? path, node)}
    >
      {name}
    </button>
  )
}
