import { useState } from 'preact/hooks'

const STORED = 'onnsight-view-tree-width'
const [LEAST, DEFAULT, MOST] = [180, 320, 900] as const
/** By how many pixels an arrow key moves the edge. */
const STEP = 24

const within = (width: number): number => Math.round(Math.min(MOST, Math.max(LEAST, width)))

/** The width of the tree in pixels, which the browser remembers. */
export function useTreeWidth(): readonly [width: number, setWidth: (width: number) => void] {
  const [width, setWidth] = useState(() => within(Number(localStorage.getItem(STORED)) || DEFAULT))
  return [
    width,
    to => {
      localStorage.setItem(STORED, String(within(to)))
      setWidth(within(to))
    },
  ]
}

/** The edge between the tree and the rest of the page. It can be dragged, and moved by arrow keys; a double click restores it. */
export function TreeEdge({ width, onWidth }: { width: number; onWidth: (width: number) => void }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: an hr can't be moved
    <div
      class="tree-edge"
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the tree"
      aria-valuenow={width}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      tabIndex={0}
      onKeyDown={event => {
        const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key]
        if (by === undefined) return
        event.preventDefault()
        onWidth(width + by)
      }}
      onDblClick={() => onWidth(DEFAULT)}
      onPointerDown={event => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={event => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) onWidth(event.clientX)
      }}
    />
  )
}
