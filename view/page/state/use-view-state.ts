import { useEffect, useRef, useState } from 'preact/hooks'
import { savedCopy } from '../saved/saved-copy.ts'
import { addressOf, stateFromAddress } from './address.ts'
import type { TabName, ViewState } from './view-state.ts'

/** Changes parts of the state. With `replaces`, the browser’s Back does not return to the state before. */
export type Change = (part: Partial<ViewState>, options?: { readonly replaces?: boolean }) => void

export interface PageState {
  readonly state: ViewState
  readonly change: Change
  /** Shows a state, but keeps the address. */
  readonly visit: (state: ViewState) => void
  /** How often the user went to another address. Each time, text that was typed but not run is lost. */
  readonly visits: number
}

/**
 * Keeps the state of the page in its address. The browser’s Back returns to the previous module, tab, input or edit.
 * @param firstTab the tab of an address that says nothing
 */
export function useViewState(firstTab: TabName): PageState {
  const [state, setState] = useState(() => stateFromAddress(location.hash || (savedCopy()?.state ?? ''), firstTab))
  const [visits, setVisits] = useState(0)
  const latest = useRef(state)
  useEffect(() => {
    const goToAddress = (): void => {
      if (location.hash.slice(1) === addressOf(latest.current)) return
      latest.current = stateFromAddress(location.hash, firstTab)
      setState(latest.current)
      setVisits(count => count + 1)
    }
    // Pasting a link into the address bar changes only the part after #, which also causes a popstate event.
    addEventListener('popstate', goToAddress)
    return () => removeEventListener('popstate', goToAddress)
  }, [])
  const change: Change = (part, { replaces = false } = {}) => {
    const before = latest.current
    const after = { ...before, ...part }
    latest.current = after
    setState(after)
    const address = `#${addressOf(after)}`
    if (address === location.hash || address === `#${addressOf(before)}`) return
    if (isStep(before, after) && !replaces) history.pushState(null, '', address)
    else history.replaceState(null, '', address)
  }
  const visit = (to: ViewState): void => {
    latest.current = to
    setState(to)
  }
  return { state, change, visit, visits }
}

/** Whether a change gets an entry of its own in the browser’s history. */
const isStep = (before: ViewState, after: ViewState): boolean =>
  before.tab !== after.tab ||
  before.module !== after.module ||
  before.node !== after.node ||
  before.input !== after.input ||
  before.edit !== after.edit
