import { OnnsightError } from './error.ts'
import { version } from './version.ts'

/** One copy of this package in a process. Two copies do not recognise each other's tensors. */
export interface Copy {
  readonly version: string
  /** The address of the copy's folder. */
  readonly location: string
}

// This does not use new URL('../', import.meta.url): bundlers would copy a file for it, also if it is in a variable.
const moduleUrl = import.meta.url
export const ownCopy: Copy = {
  version,
  location: moduleUrl.replace(/(dist\/)?runtime\/errors\/copies\.[jt]s$/, ''),
}

/** The property by which a value names the copy that made it. The symbol is the same in all copies, of every version. */
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
