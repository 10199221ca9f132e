import { InvalidArgumentError } from 'commander'

/** The metrics that a comparison can have. */
const metrics = ['kl', 'loss-change', 'top1-disagreement', 'top5-disagreement', 'relative-error']

/** Parses one `--fail-above metric=value` and adds it to those before. */
export function bound(text: string, before: ReadonlyMap<string, number> = new Map()): ReadonlyMap<string, number> {
  const [, name, value] = /^([\w-]+)=(.+)$/.exec(text) ?? []
  if (name === undefined || !metrics.includes(name) || value.trim() === '' || !Number.isFinite(Number(value)))
    throw new InvalidArgumentError(`Pass one of ${metrics.join(', ')} and a number: kl=0.01.`)
  if (before.has(name)) throw new InvalidArgumentError(`${name} is passed twice.`)
  return new Map([...before, [name, Number(value)]])
}
