import { useEffect, useRef } from 'preact/hooks'
import type { Look } from '../look/look.ts'
import type { Change } from '../look/use-look.ts'

interface Setting {
  readonly look: Look
  readonly change: Change
  readonly position: number | undefined
  /** How many tokens there are. */
  readonly positions: number | undefined
}

/** What a key does, for the list of them; keys of more than one character are pressed where they are told. */
export const shortcuts: readonly (readonly [keys: string, does: string])[] = [
  ['/', 'goes to the filter of modules'],
  ['i', 'goes to the input'],
  ['m', 'shows the module'],
  ['l', 'shows the logit lens'],
  ['e', 'shows the edit, and goes to its text'],
  ['[ and ]', 'go to the token before, and behind'],
  ['u', 'shows the run without the edit, with it, both'],
  ['?', 'shows these keys'],
  ['Ctrl+Enter', 'runs the edit, in its text'],
  ['Arrows', 'go through the tree, tabs, tokens, maps and the lens'],
]

const OFF = 'onnsight-view-no-shortcuts'
export const areOff = (): boolean => localStorage.getItem(OFF) !== null
export const turn = (isOn: boolean): void => (isOn ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, ''))

/** Single keys, while nothing is typed anywhere. */
export function useShortcuts(setting: Setting): void {
  const latest = useRef(setting)
  latest.current = setting
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || areOff()) return
      if (event.target instanceof Element && event.target.closest('input:not([type=radio]), textarea, select, dialog'))
        return
      if (does(event.key, latest.current)) event.preventDefault()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [])
}

/** False for a key that means nothing. */
function does(key: string, { look, change, position, positions = 0 }: Setting): boolean {
  const steps: Readonly<Record<string, () => void>> = {
    '/': () => focus('#filter'),
    i: () => focus('#input-text, .field select'),
    m: () => change({ tab: 'module' }),
    l: () => change({ tab: 'lens' }),
    e() {
      change({ tab: 'edit' })
      // Its text is there with the next frame.
      requestAnimationFrame(() => focus('#template'))
    },
    '[': () => position !== undefined && change({ token: Math.max(0, position - 1) }),
    ']': () => position !== undefined && change({ token: Math.min(positions - 1, position + 1) }),
    u() {
      const sides = ['unedited', 'edited', 'compared'] as const
      if (look.edit !== undefined) change({ side: sides[(sides.indexOf(look.side) + 1) % sides.length] })
    },
    '?': () => document.querySelector<HTMLDialogElement>('#shortcuts')?.showModal(),
  }
  steps[key]?.()
  return key in steps
}

const focus = (selector: string): void => document.querySelector<HTMLElement>(selector)?.focus()
