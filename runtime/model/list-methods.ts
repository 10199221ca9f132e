import { asked } from '../tensor/asked.ts'

/** What arrays have that lists of layers have too. */
const LIST_METHODS = [
  ...([
    'map',
    'filter',
    'find',
    'findIndex',
    'findLast',
    'forEach',
    'some',
    'every',
    'entries',
    'keys',
    'values',
    'reduce',
  ] as const),
  ...(['flatMap', 'indexOf', 'includes'] as const),
]

const methods: ReadonlySet<string> = new Set(LIST_METHODS)

/** Those that ask what their callback gives for its truth. */
const ASKING: ReadonlySet<string> = new Set(['filter', 'find', 'findIndex', 'findLast', 'some', 'every'])

/** An array's method on the layers of a list; undefined for another name. */
export function listMethod(name: string, layers: readonly unknown[]): unknown {
  if (!methods.has(name)) return undefined
  const method = (Array.prototype[name as 'map'] as (...args: unknown[]) => unknown).bind(layers)
  return ASKING.has(name) ? (callback: unknown, ...rest: unknown[]) => method(asked(callback, name), ...rest) : method
}
