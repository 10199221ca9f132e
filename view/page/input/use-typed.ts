import { useEffect, useRef, useState } from 'preact/hooks'
import { savedCopy } from '../saved/saved-copy.ts'

/** How long the user must not type before the text is run, in ms. */
const PAUSE = 250
/** If what is shown took longer than this, in ms, the model does not run while the user types. */
const MAX_DURATION = 1500
const OFF = 'onnsight-view-not-while-typing'

interface Typed {
  /** Whether the model runs while the user types; undefined where it can't. */
  readonly isOn: boolean | undefined
  readonly turn: (isOn: boolean) => void
  /** How long the last run took in ms, if that is too long to run while the user types. */
  readonly tooLong: number | undefined
  /** Is called at each change of the text: runs it after a pause. */
  readonly typed: (run: () => void) => void
  /** Forgets a text that waits, because the user runs it. */
  readonly cancel: () => void
}

/** Runs the model on the text that is being typed: after a short pause, and only if that is quick. */
export function useTyped(duration: () => number): Typed {
  const [isOn, setOn] = useState(() => localStorage.getItem(OFF) === null)
  const [tooLong, setTooLong] = useState<number>()
  // The first text is a trial: the run before it also had to start the model.
  const hasRun = useRef(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const cancel = (): void => clearTimeout(timer.current)
  useEffect(() => cancel, [])
  return {
    isOn: savedCopy() ? undefined : isOn,
    turn(chosen) {
      if (chosen) localStorage.removeItem(OFF)
      else localStorage.setItem(OFF, '')
      setOn(chosen)
    },
    tooLong: isOn ? tooLong : undefined,
    typed(run) {
      cancel()
      if (!isOn || savedCopy()) return
      timer.current = setTimeout(() => {
        const last = hasRun.current ? duration() : 0
        hasRun.current = true
        setTooLong(last > MAX_DURATION ? last : undefined)
        if (last <= MAX_DURATION) run()
      }, PAUSE)
    },
    cancel,
  }
}
