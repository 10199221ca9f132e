/** Writes a share as a percentage. */
export function percent(share: number): string {
  const value = share * 100
  return `${Math.abs(value) >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1)}%`
}

/** Writes a number with up to three digits. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (value === 0) return '0'
  const size = Math.abs(value)
  return size < 1e-3 || size >= 1e5 ? value.toExponential(1) : String(Number(value.toPrecision(3)))
}
