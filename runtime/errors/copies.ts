import { OnnsightError } from './error.ts'
import { version } from './version.ts'

/** One copy of this package in a process: two never know each other's tensors. */
export interface Copy {
  readonly version: string
  /** Where its code lies. */
  readonly location: string
}

// No new URL('../', import.meta.url): bundlers take that for a file to be copied, also through a variable.
const moduleUrl = import.meta.url
export const ownCopy: Copy = {
  version,
  location: moduleUrl.replace(/(dist\/)?runtime\/errors\/copies\.[jt]s$/, ''),
}

/** A value's own word for the copy that made it: the same in every copy, of every version. */
export const copy: unique symbol = Symbol.for('onnsight.copy') as never

/** @throws TwoCopiesError if another copy of the package has made the value */
export function refuseForeign(value: unknown): void {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return
  const valueCopy = (value as { [copy]?: Copy })[copy]
  if (valueCopy !== undefined && valueCopy !== ownCopy) throw new TwoCopiesError(valueCopy)
}

export class TwoCopiesError extends OnnsightError {
  static readonly code = 'two-copies'
  constructor(other: Copy) {
    const show = ({ version, location }: Copy): string => `    ${version} in ${location.replace(/^file:\/\//, '')}`
    super(
      TwoCopiesError.code,
      `There are two copies of onnsight in this program, and a tensor or a model from one was passed to the other:\n${show(ownCopy)}\n${show(other)}`,
      {
        fix: 'keep only one: `npm ls onnsight` shows which packages bring them, and `npm dedupe` joins them if the versions allow it. If you bundle, keep onnsight out of the bundle, or put everything that uses it into the bundle',
      },
    )
  }
}
