import { isPlain } from '../tensor/arguments/plain-objects.ts'

/** Inputs that are given by name; undefined where what is given is the value of one input. */
export const namedInputs = (inputs: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof inputs === 'object' && inputs !== null && isPlain(inputs) ? (inputs as Record<string, unknown>) : undefined
