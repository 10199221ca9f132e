import { useEffect, useState } from 'preact/hooks'

/** Whether the command has ended: a connection to it that stays open while it runs is gone. */
export function useEnded(): boolean {
  const [hasEnded, setEnded] = useState(false)
  useEffect(() => {
    const leaving = new AbortController()
    const wait = async (): Promise<void> => {
      try {
        const response = await fetch('./api/alive', { signal: leaving.signal })
        const reader = response.body!.getReader()
        while (!(await reader.read()).done);
      } catch {
        // A connection that breaks is one that ends.
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
