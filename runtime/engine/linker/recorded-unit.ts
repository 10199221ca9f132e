import { GradientArgumentError } from '../../errors/gradient.ts'
import {
  type Expression,
  type Gradient,
  type GradientHook,
  type Incoming,
  inputsOf,
  Operation,
  type Value,
} from '../../graph/expression.ts'
import { leavesOf } from '../../graph/leaves.ts'
import { resultId, type Unit } from './unit.ts'

/** An expression that becomes one unit of the linked graph. */
export type UnitExpression = Operation | GradientHook | Gradient

export function makesUnit(expression: Expression): expression is UnitExpression {
  return expression.kind === 'operation' || expression.kind === 'hook' || expression.kind === 'gradient'
}

/** The values that a hook's function reads beside what flows back. They are linked where a gradient may pass the hook. */
export function readsOfHook(expression: UnitExpression): Value[] {
  return expression.kind === 'hook' ? leavesOf(expression.outgoing) : []
}

/** The error for what flows back to a place, where a trace uses it as a value like others. */
export function outsideOfHook({ mark }: Incoming): GradientArgumentError {
  return new GradientArgumentError(
    'What flows back to a place was used outside of the function that withGrad() calls with it; or in that function by a module, by grad() or by another withGrad().',
    mark?.position(),
    'in the function, compute with it by operations on tensors alone; elsewhere, read it by grad(value, place)',
  )
}

/** The unit of a recorded expression, by its number. `hookReads` are what a hook's function reads. */
export function recordedUnit(
  expression: UnitExpression,
  number: number,
  idOf: (value: Value) => string,
  hookReads: readonly Value[] = readsOfHook(expression),
): Unit {
  const results = (count: number): string[] => Array.from({ length: count }, (_, i) => resultId(number, i))
  const common = { expression: number, captures: [], isRewired: false }
  switch (expression.kind) {
    case 'operation':
      return {
        kind: 'operation',
        operation: expression,
        inputs: expression.inputs.map(input => (input ? idOf(input) : '')),
        outputs: results(expression.outputs),
        ...common,
      }
    case 'hook':
      return {
        kind: 'operation',
        operation: new Operation('Identity', '', [expression.input], {}, 1, expression.mark),
        hook: { expression, reads: hookReads.map(idOf) },
        inputs: [idOf(expression.input)],
        outputs: results(1),
        ...common,
      }
    case 'gradient':
      return {
        kind: 'gradient',
        gradient: expression,
        inputs: inputsOf(expression).flatMap(input => (input ? [idOf(input)] : [])),
        outputs: results(expression.at.length),
        ...common,
      }
  }
}
