/**
 * Calls `act` once the current run has returned its result. If it fails, nothing changes. In Node, the timer does not keep the process
 * alive.
 */
export function afterRun(act: () => Promise<unknown>): void {
  const timer: unknown = setTimeout(() => void ignoringFailure(act))
  ;(timer as { unref?: () => void }).unref?.()
}

async function ignoringFailure(act: () => Promise<unknown>): Promise<void> {
  try {
    await act()
  } catch {
    // `act` only makes later runs faster, and they also work without it.
  }
}
