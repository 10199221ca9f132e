import { useEffect, useState } from 'preact/hooks'
import { savedCopy } from './saved/saved-copy.ts'

/** Whether the command has ended. A connection to the server stays open until then. */
export function useEnded(): boolean {
  const [hasEnded, setEnded] = useState(false)
  useEffect(() => {
    if (savedCopy()) return
    const leaving = new AbortController()
    const wait = async (): Promise<void> => {
      try {
        const response = await fetch('./api/alive', { signal: leaving.signal })
        const reader = response.body!.getReader()
        while (!(await reader.read()).done);
      } catch {
        // If the connection breaks, the command has ended too.
      }
      if (!leaving.signal.aborted) setEnded(true)
    }
    const leave = (): void => leaving.abort()
    addEventListener('pagehide', leave)
    void wait()
    return () => {
      removeEventListener('pagehide', leave)
      leave()
    }
  }, [])
  return hasEnded
}
