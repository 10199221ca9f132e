import type { ComponentChildren } from 'preact'
import type { Answer } from '../use-answer.ts'
import { Problem } from './problem.tsx'

/** Shows an answer, its error, or a note while the first answer is loading. While a later one loads, the last answer stays visible. */
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
