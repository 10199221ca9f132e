import type { SentError } from '../../protocol/api.ts'

/** Shows an error: what happened, where, and what to do. */
export function Problem({ error }: { error: SentError }) {
  // That the command has ended is said once, for the whole page.
  if (error.code === 'gone') return null
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
