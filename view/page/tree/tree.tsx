import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { ModuleDescription } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import { percentOf } from '../compare/shares.ts'
import { signedBackground } from '../parts/colours.ts'
import { bytes, grouped, short } from '../parts/numbers.ts'
import { TreeEdge } from './edge.tsx'
import { ancestorsOf, initiallyOpen, parentOf, rowsOf, type TreeItem, type TreeRow } from './rows.ts'
import { useOperations } from './use-operations.ts'

interface TreeProps {
  readonly client: Client
  readonly modules: readonly ModuleDescription[]
  readonly chosen: string
  readonly onChoose: (path: string) => void
  /** The share of each module in the difference of two models, by its path, once they were compared. */
  readonly shares: ReadonlyMap<string, number> | undefined
  readonly width: number
  readonly onWidth: (width: number) => void
}

/** The tree of modules, with the keys that the WAI-ARIA pattern describes. */
export function Tree({ client, modules, chosen, onChoose, shares, width, onWidth }: TreeProps) {
  const [open, setOpen] = useState(() => initiallyOpen(modules))
  const loaded = useOperations(client, modules, open)
  useEffect(() => setOpen(before => new Set([...before, ...ancestorsOf(chosen)])), [chosen])
  const [filter, setFilter] = useState('')
  const [focused, setFocused] = useState(chosen)
  const list = useRef<HTMLDivElement>(null)
  const typed = useRef({ text: '', at: 0 })
  const rows = useMemo(() => rowsOf(modules, open, filter, loaded), [modules, open, filter, loaded])
  const current = rows.some(({ item }) => item.path === focused) ? focused : (rows[0]?.item.path ?? '')
  const wantsFocus = useRef(false)
  useLayoutEffect(() => {
    if (!wantsFocus.current) return
    wantsFocus.current = false
    list.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus()
  })

  const focus = (path: string): void => {
    wantsFocus.current = true
    setFocused(path)
  }
  const toggle = (path: string, isOpen: boolean): void => {
    const next = new Set(open)
    if (isOpen) next.add(path)
    else next.delete(path)
    setOpen(next)
  }
  /** The row that holds a module's operations opens and closes; any other one is shown. */
  const choose = ({ item: { path }, isOpen }: TreeRow): void =>
    path.endsWith('#') ? toggle(path, !isOpen) : onChoose(path)
  const go = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const at = rows.findIndex(({ item }) => item.path === current)
    const row = rows[at]
    if (!row) return
    const { path } = row.item
    const steps: Readonly<Record<string, () => void>> = {
      ArrowDown: () => focus(rows[Math.min(at + 1, rows.length - 1)].item.path),
      ArrowUp: () => focus(rows[Math.max(at - 1, 0)].item.path),
      Home: () => focus(rows[0].item.path),
      End: () => focus(rows[rows.length - 1].item.path),
      ArrowRight() {
        if (row.hasChildren && !row.isOpen) toggle(path, true)
        else if (row.isOpen) focus(rows[at + 1].item.path)
      },
      ArrowLeft() {
        if (row.isOpen && filter === '') toggle(path, false)
        else focus(parentOf(path) ?? '')
      },
      Enter: () => choose(row),
      ' ': () => choose(row),
      '*': () =>
        setOpen(
          new Set([
            ...open,
            ...rows.filter(other => parentOf(other.item.path) === parentOf(path)).map(other => other.item.path),
          ]),
        ),
    }
    const step = steps[event.key]
    if (step) step()
    else if (event.key.length === 1 && !'/?[]'.includes(event.key)) search(event.key, at)
    else return
    event.preventDefault()
  }
  /** Goes to the next row whose name begins with the keys that were just typed. */
  const search = (key: string, at: number): void => {
    const now = Date.now()
    const text = now - typed.current.at < 600 ? typed.current.text + key : key
    typed.current = { text, at: now }
    const after = [...rows.slice(at + (text.length > 1 ? 0 : 1)), ...rows.slice(0, at)]
    const found = after.find(({ item }) => nameOf(item).toLowerCase().startsWith(text.toLowerCase()))
    if (found) focus(found.item.path)
  }
  return (
    <nav class="tree-pane" aria-label="Modules">
      <div class="filter">
        <input
          type="search"
          id="filter"
          placeholder="Filter modules and operations"
          aria-label="Filter modules"
          value={filter}
          onInput={event => setFilter(event.currentTarget.value)}
        />
      </div>
      <div class="tree-head" aria-hidden="true">
        <span>module, operation</span>
        <span>params</span>
        <span>size</span>
      </div>
      <div class="tree" role="tree" aria-label="Modules" ref={list} onKeyDown={go}>
        {rows.map(row => (
          <Item
            key={row.item.path}
            row={row}
            share={shares?.get(row.item.path)}
            isChosen={row.item.path === chosen}
            isCurrent={row.item.path === current}
            onChoose={() => {
              focus(row.item.path)
              choose(row)
            }}
            onToggle={() => toggle(row.item.path, !row.isOpen)}
          />
        ))}
      </div>
      {rows.length === 0 && (
        <p class="empty" role="status">
          No module or operation matches the filter.
        </p>
      )}
      <TreeEdge width={width} onWidth={onWidth} />
    </nav>
  )
}

const nameOf = ({ path, name }: TreeItem): string => (path === '' ? 'model' : name)

/** A module's share in the difference of two models. */
const TreeShare = ({ share }: { share: number }) => (
  <>
    {' '}
    <small class="tree-share" style={signedBackground(share, 1)}>
      {percentOf(share)}
      <span class="hidden"> of the error</span>
    </small>
  </>
)

interface ItemProps {
  readonly row: TreeRow
  readonly share: number | undefined
  readonly isChosen: boolean
  readonly isCurrent: boolean
  readonly onChoose: () => void
  readonly onToggle: () => void
}

function Item({
  row: { item, level, hasChildren, isOpen, position, siblings },
  share,
  isChosen,
  isCurrent,
  onChoose,
  onToggle,
}: ItemProps) {
  const { className, parameters, path, bytes: size } = item
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree listens to keys
    <div
      class="tree-item"
      role="treeitem"
      data-path={path}
      aria-level={level}
      aria-posinset={position}
      aria-setsize={siblings}
      aria-selected={isChosen}
      {...(hasChildren ? { 'aria-expanded': isOpen } : {})}
      tabIndex={isCurrent ? 0 : -1}
      onClick={onChoose}
    >
      <span class="tree-name" style={{ paddingLeft: `${(level - 1) * 14}px` }}>
        <span
          class="twisty"
          aria-hidden="true"
          onClick={event => {
            if (!hasChildren) return
            event.stopPropagation()
            onToggle()
          }}
        >
          {hasChildren ? (isOpen ? '▾' : '▸') : ''}
        </span>
        <span class={path.includes('#') ? 'tree-label is-operation' : 'tree-label'} title={path.split('#').at(-1)}>
          {nameOf(item)}
          {className && <small> {className.split('.').at(-1)}</small>}
          {share !== undefined && Math.abs(share) >= 0.001 && <TreeShare share={share} />}
        </span>
      </span>
      <span class="number" title={`${grouped(parameters)} parameters`}>
        {parameters > 0 && (
          <>
            {short(parameters)}
            <span class="hidden"> parameters </span>
          </>
        )}
      </span>
      <span class="number" title={`${grouped(size)} bytes`}>
        {size > 0 ? bytes(size) : ''}
      </span>
    </div>
  )
}
