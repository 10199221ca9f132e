import { InvalidArgumentError } from 'commander'

/** Parses a number of 0 or more. */
export function share(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) throw new InvalidArgumentError('Pass a number: 0.01.')
  return value
}
