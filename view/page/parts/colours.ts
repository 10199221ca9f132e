import { interpolateViridis } from 'd3-scale-chromatic'

type Channels = readonly [red: number, green: number, blue: number, alpha: number]

/** viridis in 256 steps. */
const sequential = Array.from({ length: 256 }, (_, i) => channels(interpolateViridis(i / 255)))

const BELOW = [44, 111, 194] as const
const ABOVE = [209, 68, 47] as const

/** Of what is no finite number. */
const NO_NUMBER: Channels = [128, 128, 128, 255]

function channels(colour: string): Channels {
  const hex = /^#(..)(..)(..)$/.exec(colour)
  const parts = hex ? hex.slice(1).map(part => Number.parseInt(part, 16)) : (colour.match(/\d+/g) ?? []).map(Number)
  return [parts[0], parts[1], parts[2], 255]
}

/** What colours mean: from dark to light as numbers grow, or away from 0 in two directions, blue below and red above it. */
export type Scale = 'sequential' | 'diverging'

/** The colour of a number in a range, told apart in every kind of sight. */
export function colourOf(value: number, [from, to]: readonly [number, number], scale: Scale): Channels {
  if (!Number.isFinite(value)) return NO_NUMBER
  const share = to > from ? (value - from) / (to - from) : 0.5
  const within = Math.min(1, Math.max(0, share))
  if (scale === 'sequential') return sequential[Math.round(255 * within)]
  // The nearer to 0, the more of the ground is seen: so it is at home on a light one and on a dark one.
  return [...(within < 0.5 ? BELOW : ABOVE), Math.round(255 * Math.abs(2 * within - 1))]
}

/** A range around 0 that holds both ends. */
export function aroundZero(min: number | null | undefined, max: number | null | undefined): [number, number] {
  const largest = Math.max(Math.abs(min ?? 0), Math.abs(max ?? 0))
  return [-largest, largest]
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
