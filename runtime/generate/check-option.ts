import { GenerateError } from '../errors/generate.ts'

/** @throws GenerateError if the option is given and wrong */
export function checkOption<V>(name: string, value: V | undefined, isRight: (value: V) => boolean, what: string): void {
  if (value === undefined || isRight(value)) return
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value)
  throw new GenerateError(`${name} is ${shown}, and must be ${what}.`, `give ${name} a value that is ${what}`)
}

export const isAbove0 = (value: number): boolean => value > 0
export const isCount = (value: number): boolean => Number.isInteger(value) && value > 0
export const isNumber = (value: number): boolean => Number.isFinite(value)

/** A token id. */
export const isToken = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0

export const isListOf = (value: unknown, isItem: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isItem)
