import type { KeepStep } from './data.ts'

/** The steps of leaving one module after the other in float. @param curves for each input: the error before the first step, and after each */
export function keepSteps(
  kept: readonly { readonly module: string; readonly bytes: number }[],
  curves: readonly (readonly number[])[],
): KeepStep[] {
  const errors = [...Array(kept.length + 1).keys()].map(
    step => curves.reduce((sum, curve) => sum + curve[step], 0) / curves.length,
  )
  let bytes = 0
  return kept.map(({ module, bytes: own }, i) => {
    bytes += own
    return { module, error: errors[i + 1], left: errors[0] === 0 ? 0 : errors[i + 1] / errors[0], bytes }
  })
}
