import type { OnProgress } from './sweep.ts'

/** A function for `onProgress` that shows a study's progress and the time left, in one line on stderr. It does nothing if stderr is no terminal. */
export function progressLine(name = 'study'): OnProgress {
  const stderr = globalThis.process?.stderr
  if (!stderr?.isTTY) return () => undefined
  return (done, total, secondsLeft) => {
    const rest = done === total ? '' : `, ${timeText(secondsLeft)} left`
    stderr.write(`\r\u001b[K${name}: ${done} of ${total}${rest}${done === total ? '\n' : ''}`)
  }
}

/** Seconds as `50 s`, `4 min` or `2 h 10 min`. */
function timeText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
