import type { Client } from '../client.ts'
import type { Progress } from '../use-progress.ts'

interface StepsProps {
  readonly progress: Progress
  readonly client: Client
  /** What the bar counts, such as "Layers that are done". */
  readonly label: string
}

/** The progress of a request that takes a while, with a button that stops it. */
export function Steps({ progress: { done, total, secondsLeft }, client, label }: StepsProps) {
  return (
    <>
      <progress max={total} value={done} aria-label={label} />
      <button type="button" onClick={() => client.cancel()}>
        Stop
      </button>
      {secondsLeft > 2 && <span class="hint">about {Math.ceil(secondsLeft)} s left</span>}
    </>
  )
}
