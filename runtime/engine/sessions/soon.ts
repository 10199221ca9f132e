/** Does `act` when the run that called for it has given its result. Where it fails, all stays as it was. In Node it keeps no process alive. */
export function soon(act: () => Promise<unknown>): void {
  const timer: unknown = setTimeout(() => void attempt(act))
  ;(timer as { unref?: () => void }).unref?.()
}

async function attempt(act: () => Promise<unknown>): Promise<void> {
  try {
    await act()
  } catch {
    // What it would have made faster runs without it.
  }
}
