import { isPlain } from '../tensor/arguments/plain-objects.ts'

/** The inputs by name; undefined if `inputs` is the value of a single input. */
export const namedInputs = (inputs: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof inputs === 'object' && inputs !== null && isPlain(inputs) ? (inputs as Record<string, unknown>) : undefined
