import { useEffect, useRef, useState } from 'preact/hooks'
import { addressOf, lookIn } from './address.ts'
import type { Look } from './look.ts'

export type Change = (part: Partial<Look>) => void

export interface Looking {
  readonly look: Look
  readonly change: Change
  /** Counts how often another address was gone to: what was typed and not run is gone then. */
  readonly visits: number
}

/** The look that stands in the address. Going back goes to the module, the view, the input and the edit before. */
export function useLook(): Looking {
  const [look, setLook] = useState(() => lookIn(location.hash))
  const [visits, setVisits] = useState(0)
  const latest = useRef(look)
  useEffect(() => {
    const visited = (): void => {
      if (location.hash.slice(1) === addressOf(latest.current)) return
      latest.current = lookIn(location.hash)
      setLook(latest.current)
      setVisits(count => count + 1)
    }
    // A link that is put into the address bar changes what is behind # alone.
    addEventListener('popstate', visited)
    return () => removeEventListener('popstate', visited)
  }, [])
  const change: Change = part => {
    const before = latest.current
    const after = { ...before, ...part }
    latest.current = after
    setLook(after)
    const address = `#${addressOf(after)}`
    if (address === location.hash || address === `#${addressOf(before)}`) return
    if (isStep(before, after)) history.pushState(null, '', address)
    else history.replaceState(null, '', address)
  }
  return { look, change, visits }
}

const isStep = (before: Look, after: Look): boolean =>
  before.tab !== after.tab ||
  before.module !== after.module ||
  before.input !== after.input ||
  before.edit !== after.edit
