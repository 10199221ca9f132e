import { InvalidArgumentError } from 'commander'

type Axes = Readonly<Record<string, readonly (number | string)[]>>

/** The most values of one axis. */
const MOST = 100_000

/** Reads an axis, `layer=0..11`, `strength=0.5,1,2` or `seed=0..8..2`, and adds it to those before. */
export function axis(text: string, before: Axes = {}): Axes {
  const [, name, values] = /^([A-Za-z_]\w*)=(.+)$/s.exec(text) ?? []
  if (name === undefined)
    throw new InvalidArgumentError('Pass a name and its values: layer=0..11, or strength=0.5,1,2.')
  if (name in before) throw new InvalidArgumentError(`The axis ${name} is passed twice.`)
  return { ...before, [name]: valuesOf(values) }
}

function valuesOf(text: string): (number | string)[] {
  const [, first, last, step = '1'] = /^(-?\d+)\.\.(-?\d+)(?:\.\.(\d+))?$/.exec(text) ?? []
  if (first === undefined)
    return text.split(',').map(one => (one.trim() !== '' && Number.isFinite(Number(one)) ? Number(one) : one))
  const [from, to, by] = [Number(first), Number(last), Number(step)]
  const count = Math.floor((to - from) / by) + 1
  if (!(by > 0 && count > 0 && count <= MOST))
    throw new InvalidArgumentError('Pass a range from a smaller to a larger number: 0..11.')
  return Array.from({ length: count }, (_, i) => from + i * by)
}

/** Puts a point’s values in the place of `{layer}`. A value that is more than a number or a word would be read as something else. */
export function filled(text: string, point: Readonly<Record<string, unknown>>): string {
  return text.replaceAll(/\{([A-Za-z_]\w*)\}/g, (whole, name: string) => (name in point ? String(point[name]) : whole))
}
