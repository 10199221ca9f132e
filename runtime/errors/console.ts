import { type DeclaredInput, InputError } from './input.ts'

export class MissingInputsError extends InputError {
  constructor(declared: readonly DeclaredInput[]) {
    const example = Object.fromEntries(declared.map(({ name, dims }) => [name, exampleOf(dims ?? [])]))
    super('The model has no inputs yet.', declared, `.inputs ${JSON.stringify(example)}`)
  }
}

/** An example of an input: nested arrays of zeros, a few along axes whose length is free. */
function exampleOf(dims: readonly (number | string | undefined)[]): unknown {
  const [first, ...rest] = dims
  if (dims.length === 0) return 0
  const length = typeof first === 'number' ? Math.min(first, 4) : rest.length === 0 ? 4 : 1
  return Array.from({ length }, () => exampleOf(rest))
}
