import type { ComponentChildren } from 'preact'
import type { Answer } from '../use-answer.ts'
import { Problem } from './problem.tsx'

/** An answer as it comes: its error, what was there before while the next is waited for, or a word that it is waited for. */
export function Waiting<R>({ answer, show }: { answer: Answer<R>; show: (value: R) => ComponentChildren }) {
  if (answer.error) return <Problem error={answer.error} />
  if (answer.value === undefined)
    return answer.isLoading ? (
      <p class="empty" aria-busy="true">
        Running…
      </p>
    ) : null
  return (
    <div class={answer.isLoading ? 'stale' : undefined} aria-busy={answer.isLoading}>
      {show(answer.value)}
    </div>
  )
}
