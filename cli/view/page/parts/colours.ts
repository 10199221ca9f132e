import { interpolateViridis } from 'd3-scale-chromatic'

/** viridis in 256 steps: red, green and blue of each. */
const table = Array.from({ length: 256 }, (_, i) => channels(interpolateViridis(i / 255)))

/** Of what is no finite number. */
export const NO_NUMBER: readonly [number, number, number] = [128, 128, 128]

function channels(colour: string): [number, number, number] {
  const hex = /^#(..)(..)(..)$/.exec(colour)
  const parts = hex ? hex.slice(1).map(part => Number.parseInt(part, 16)) : (colour.match(/\d+/g) ?? []).map(Number)
  return [parts[0], parts[1], parts[2]]
}

/** The colour of a magnitude: from dark to light in every kind of sight. */
export function viridis(value: number, [from, to]: readonly [number, number]): readonly [number, number, number] {
  if (!Number.isFinite(value)) return NO_NUMBER
  const share = to > from ? (value - from) / (to - from) : 0.5
  return table[Math.round(255 * Math.min(1, Math.max(0, share)))]
}

/** A background behind a number with a sign: blue below 0, red above, as strong as it is large. */
export function behind(value: number, largest: number): Record<string, string> {
  if (!Number.isFinite(value) || value === 0 || !(largest > 0)) return {}
  const strength = Math.min(1, Math.abs(value) / largest)
  const name = value < 0 ? '--below' : '--above'
  return { backgroundColor: `color-mix(in srgb, var(${name}) ${Math.round(strength * 45)}%, transparent)` }
}

/** A background behind a share of 1. */
export const share = (value: number): Record<string, string> => ({
  backgroundColor: `color-mix(in srgb, var(--share) ${Math.round(value * 55)}%, transparent)`,
})
