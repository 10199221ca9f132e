import { interpolateViridis } from 'd3-scale-chromatic'

type Channels = readonly [red: number, green: number, blue: number, alpha: number]

/** The viridis colour map in 256 steps. */
const sequential = Array.from({ length: 256 }, (_, i) => channels(interpolateViridis(i / 255)))

const BELOW = [44, 111, 194] as const
const ABOVE = [209, 68, 47] as const

const WEIGHT = [47, 127, 168] as const

/** The colour of NaN and infinities. */
const NO_NUMBER: Channels = [128, 128, 128, 255]

function channels(colour: string): Channels {
  const hex = /^#(..)(..)(..)$/.exec(colour)
  const parts = hex ? hex.slice(1).map(part => Number.parseInt(part, 16)) : (colour.match(/\d+/g) ?? []).map(Number)
  return [parts[0], parts[1], parts[2], 255]
}

/** A sequential scale goes from dark to light as numbers grow; a diverging scale is blue below 0 and red above it. */
export type Scale = 'sequential' | 'diverging' | 'attention'

/** The colour of a number in a range. Both scales can be read with any kind of colour vision. */
export function colourOf(value: number, [from, to]: readonly [number, number], scale: Scale): Channels {
  if (!Number.isFinite(value)) return NO_NUMBER
  const share = to > from ? (value - from) / (to - from) : scale === 'diverging' ? 0.5 : 0
  const within = Math.min(1, Math.max(0, share))
  if (scale === 'sequential') return sequential[Math.round(255 * within)]
  // Small weights are drawn stronger than in proportion: a row of many tokens has only small ones.
  if (scale === 'attention') return [...WEIGHT, Math.round(255 * Math.sqrt(within))]
  // Numbers near 0 are transparent, so that the scale works on a light and on a dark background.
  return [...(within < 0.5 ? BELOW : ABOVE), Math.round(255 * Math.abs(2 * within - 1))]
}

/** The smallest range around 0 that contains both numbers. */
export function aroundZero(min: number | null | undefined, max: number | null | undefined): [number, number] {
  const largest = Math.max(Math.abs(min ?? 0), Math.abs(max ?? 0))
  return [-largest, largest]
}

/** The background of a signed number: blue below 0, red above, and stronger for larger numbers. */
export function signedBackground(value: number, largest: number): Record<string, string> {
  if (!Number.isFinite(value) || value === 0 || !(largest > 0)) return {}
  const strength = Math.min(1, Math.abs(value) / largest)
  const name = value < 0 ? '--below' : '--above'
  return { backgroundColor: `color-mix(in srgb, var(${name}) ${Math.round(strength * 45)}%, transparent)` }
}

/** The background of a probability: stronger for larger ones. */
export const shareBackground = (value: number): Record<string, string> => ({
  backgroundColor: `color-mix(in srgb, var(--share) ${Math.round(value * 55)}%, transparent)`,
})

/** The background of an attention weight, from 0 to 1. */
export const weightBackground = (value: number): Record<string, string> =>
  value < 0.005
    ? {}
    : { backgroundColor: `color-mix(in srgb, var(--weight) ${Math.round(Math.min(1, value) * 60)}%, transparent)` }
