import { nearestNames } from '../errors/nearest-names.ts'
import { handleOf } from '../model/modules/module.ts'
import { functionArguments, methodArguments } from '../tensor/arguments/signatures.ts'
import * as functions from '../tensor/functions.ts'
import { Tensor } from '../tensor/tensor.ts'
import { type Arguments, arrange, toCamelCase, usage } from './arguments.ts'
import { asTensor, describe } from './arithmetic.ts'
import { Callable, methodOf } from './members.ts'
import { TemplateProblem } from './problem.ts'

/** Calls a value: a module with a tensor, an operation, or a JavaScript function from a `${…}`. */
export function call(callee: unknown, args: Arguments): unknown {
  if (callee instanceof Callable) return attempt(callee.name, callee.declared, callee.run, args)
  const handle = handleOf(callee)
  if (handle) {
    const [input] = arrange(handle.path || 'the model', 'input', args)
    return handle.apply(asTensor(`the module ${handle.path}`, input))
  }
  if (typeof callee !== 'function')
    throw new TemplateProblem(`${describe(callee)} can’t be called`, 'call operations and modules')
  if (Object.keys(args.named).length > 0)
    throw new TemplateProblem('a JavaScript function has no named arguments', 'give them in order')
  return (callee as (...args: unknown[]) => unknown)(...args.positional)
}

/** Calls an operation by its bare name: `softmax(h, -1)`, `cat([a, b], 0)`. */
export function callOperation(name: string, args: Arguments, modules: readonly string[]): unknown {
  const own = toCamelCase(name)
  if (Object.hasOwn(functionArguments, own)) {
    const run = (functions as unknown as Record<string, (...args: unknown[]) => unknown>)[own]
    return attempt(name, functionArguments[own], run, args)
  }
  if (!Object.hasOwn(methodArguments, own)) {
    const near = nearestNames(name, [...modules, ...Object.keys(methodArguments), ...Object.keys(functionArguments)])
    throw new TemplateProblem(
      `there is no operation ${name}`,
      near.length > 0 ? `did you mean ${near.join(', ')}?` : 'see the list of operations',
    )
  }
  const [first, ...others] = args.positional
  if (first === undefined) throw new TemplateProblem(`${name} was given no tensor`, `write ${name}(h)`)
  const tensor = first instanceof Tensor ? first : asTensor(name, first)
  return call(methodOf(tensor, name), { positional: others, named: args.named })
}

/** Runs an operation. In a template, TypeScript does not check the arguments, so their kinds may be wrong. */
function attempt(name: string, declared: string, run: (...args: unknown[]) => unknown, args: Arguments): unknown {
  const values = arrange(name, declared, args)
  try {
    return run(...values)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const received = values.map(value => (value === undefined ? 'nothing' : describe(value))).join(', ')
    throw new TemplateProblem(`${name} was given ${received || 'nothing'}`, usage(name, declared))
  }
}

export const isOperation = (name: string): boolean =>
  Object.hasOwn(functionArguments, toCamelCase(name)) || Object.hasOwn(methodArguments, toCamelCase(name))
