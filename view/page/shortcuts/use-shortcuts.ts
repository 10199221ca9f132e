import { useEffect, useRef } from 'preact/hooks'
import type { Change } from '../state/use-view-state.ts'
import type { ViewState } from '../state/view-state.ts'

interface Setting {
  readonly state: ViewState
  readonly change: Change
  readonly position: number | undefined
  /** How many tokens there are. */
  readonly positions: number | undefined
  /** Whether a second model is there. */
  readonly hasTwo: boolean
}

/** The keys and their actions, as the dialog lists them. The last two rows work only where their action says so. */
export const shortcuts: readonly (readonly [keys: string, action: string])[] = [
  ['/', 'goes to the filter of modules'],
  ['i', 'goes to the input'],
  ['o', 'shows the overview'],
  ['m', 'shows the module'],
  ['l', 'shows the lens'],
  ['a', 'shows the attention'],
  ['w', 'shows the importance of tokens and parts'],
  ['p', 'shows the tab that patches'],
  ['s', 'shows the tab that steers'],
  ['g', 'shows the tab that generates'],
  ['c', 'shows the tab that compares, if there are two models'],
  ['e', 'shows the edit and goes to its text'],
  ['[ and ]', 'go to the previous and to the next token'],
  ['u', 'switches between the unedited run, the edited run, and both'],
  ['?', 'shows this list'],
  ['Ctrl+Enter', 'in the text of the edit: runs it'],
  ['Arrows', 'in the tree, tabs, tokens, maps and the lens: go to the next item'],
]

const OFF = 'onnsight-view-no-shortcuts'
export const areOff = (): boolean => localStorage.getItem(OFF) !== null
export const turn = (isOn: boolean): void => (isOn ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, ''))

/** Listens to shortcuts of a single key, except in text fields. */
export function useShortcuts(setting: Setting): void {
  const latest = useRef(setting)
  latest.current = setting
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || areOff()) return
      if (event.target instanceof Element && event.target.closest('input:not([type=radio]), textarea, select, dialog'))
        return
      if (runShortcut(event.key, latest.current)) event.preventDefault()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [])
}

/** Runs the action of a key. Returns false if the key has none. */
function runShortcut(key: string, { state, change, position, positions = 0, hasTwo }: Setting): boolean {
  const steps: Readonly<Record<string, () => void>> = {
    '/': () => focus('#filter'),
    i: () => focus('#input-text, .field select'),
    o: () => change({ tab: 'overview' }),
    m: () => change({ tab: 'module' }),
    l: () => change({ tab: 'lens' }),
    a: () => change({ tab: 'attention' }),
    w: () => change({ tab: 'importance' }),
    p: () => change({ tab: 'patch' }),
    s: () => change({ tab: 'steer' }),
    g: () => change({ tab: 'generate' }),
    c: () => hasTwo && change({ tab: 'compare' }),
    e() {
      change({ tab: 'edit' })
      // The text field exists only after the next render.
      requestAnimationFrame(() => focus('#template'))
    },
    '[': () => position !== undefined && change({ token: Math.max(0, position - 1) }),
    ']': () => position !== undefined && change({ token: Math.min(positions - 1, position + 1) }),
    u() {
      const sides = ['unedited', 'edited', 'compared'] as const
      if (state.edit !== undefined) change({ side: sides[(sides.indexOf(state.side) + 1) % sides.length] })
    },
    '?': () => document.querySelector<HTMLDialogElement>('#shortcuts')?.showModal(),
  }
  steps[key]?.()
  return key in steps
}

const focus = (selector: string): void => document.querySelector<HTMLElement>(selector)?.focus()
