import { ArgumentError } from '../../errors/tensor.ts'
import { refuseSurplus } from '../../tensor/arguments/check-arguments.ts'
import { currentPosition } from '../../tensor/current-position.ts'

interface Kind {
  readonly what: string
  is(value: unknown): boolean
}

const text: Kind = { what: 'text', is: value => typeof value === 'string' }
const whole: Kind = { what: 'a whole number', is: value => value === undefined || Number.isInteger(value) }
/** An argument that the method checks itself. */
const any: Kind = { what: '', is: () => true }
const callback: Kind = { what: 'a function', is: value => typeof value === 'function' }

/** The arguments of the methods of modules and models. */
const members: Readonly<Record<string, readonly Kind[]>> = {
  child: [text],
  at: [whole],
  slice: [whole, whole],
  module: [text],
  node: [text],
  tensor: [text],
  run: [any, any],
  trace: [any, any, any],
  scan: [any, any],
  generate: [any, any, any],
  edit: [any, any],
  session: [callback],
  record: [any, any],
  runGraph: [any, any],
  explain: [callback],
  runWithCache: [any, any, any],
  save: [text, any],
  release: [],
  clearEdits: [],
}

/** A method that throws ArgumentError for surplus arguments and for arguments of a wrong kind. */
export function expectingMember(name: string, method: (...args: never[]) => unknown): unknown {
  if (!Object.hasOwn(members, name)) return method
  const kinds = members[name]
  return (...args: unknown[]) => {
    refuseSurplus(name, kinds.length, args.slice(kinds.length))
    for (const [i, kind] of kinds.entries())
      if (!kind.is(args[i]))
        throw new ArgumentError(
          `${name}: it takes ${kind.what}, and was given ${args[i] === null ? 'null' : typeof args[i]}.`,
          currentPosition(),
          `write ${name}(${kinds.map(({ what }) => (what === 'text' ? "'…'" : what === 'a function' ? '() => …' : '…')).join(', ')})`,
        )
    return method(...(args as never[]))
  }
}
