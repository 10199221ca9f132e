import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { SentError } from '../../protocol/api.ts'

/** Whether a later input could not be read: problems of the one before it are not shown then. */
export const AreOutdated = createContext(false)

/** Shows an error: what happened, where, and what to do. */
export function Problem({ error }: { error: SentError }) {
  const isOutdated = useContext(AreOutdated)
  // That the command has ended is said once, for the whole page.
  if (error.code === 'gone' || isOutdated) return null
  return (
    <div class="problem" role="alert">
      <p class="problem-message">{error.message}</p>
      {error.frame && <pre class="frame">{error.frame.text}</pre>}
      {error.fix && (
        <p>
          <b>Do this:</b> {error.fix}
        </p>
      )}
    </div>
  )
}
