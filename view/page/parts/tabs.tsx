import type { ComponentChildren } from 'preact'
import { useRef } from 'preact/hooks'

export interface Tab {
  readonly id: string
  readonly label: string
  readonly content: ComponentChildren
}

/** Tabs as the WAI-ARIA pattern describes them: arrow keys go from one to the next. */
export function Tabs({
  tabs,
  chosen,
  onChoose,
  label,
  aside,
}: {
  tabs: readonly Tab[]
  chosen: string
  onChoose: (id: string) => void
  label: string
  /** Content next to the tabs. */
  aside?: ComponentChildren
}) {
  const list = useRef<HTMLDivElement>(null)
  const go = (event: KeyboardEvent): void => {
    const at = tabs.findIndex(({ id }) => id === chosen)
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    const { id } = tabs[(to + tabs.length) % tabs.length]
    onChoose(id)
    list.current?.querySelector<HTMLElement>(`#tab-${id}`)?.focus()
  }
  return (
    <div class="tabs">
      <div class="tab-bar">
        <div role="tablist" aria-label={label} ref={list} onKeyDown={go}>
          {tabs.map(({ id, label: name }) => (
            <button
              key={id}
              type="button"
              role="tab"
              id={`tab-${id}`}
              aria-selected={id === chosen}
              aria-controls={`panel-${id}`}
              tabIndex={id === chosen ? 0 : -1}
              onClick={() => onChoose(id)}
            >
              {name}
            </button>
          ))}
        </div>
        {aside}
      </div>
      {tabs.map(({ id, label: name, content }) => (
        <div key={id} role="tabpanel" id={`panel-${id}`} aria-labelledby={`tab-${id}`} hidden={id !== chosen}>
          {id === chosen && <h2 class="hidden">{name}</h2>}
          {id === chosen ? content : null}
        </div>
      ))}
    </div>
  )
}
