import { type Expression, inputsOf, Operation } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import { Backward } from './backward.ts'
import { GrowingForm } from './growing-form.ts'
import { leavesOf } from './leaves.ts'
import { LinkedShapes, NO_MODEL } from './linked-shapes.ts'
import { recordedId, resultId, type Unit } from './unit.ts'

/** The units of a recording without a model, producers first, with its gradients written out; and its form with what they add. */
export function recordedUnits(recorded: NormalForm): { readonly units: readonly Unit[]; readonly form: NormalForm } {
  const form = new GrowingForm(recorded)
  const producers = new Map<string, Unit>()
  const shapes = new LinkedShapes(NO_MODEL, form, producers)
  const backward = new Backward(NO_MODEL.opset, form, shapes)
  const units: Unit[] = []
  const push = (unit: Unit): void => {
    units.push(unit)
    for (const output of unit.outputs) producers.set(output, unit)
  }
  for (const expression of recorded.order) {
    for (const input of inputsOf(expression)) if (input) shapes.add(recordedId(form, input), input.type, input.dims)
    const unit = unitOf(expression, form)
    if (!unit) continue
    if (unit.gradient) for (const each of backward.unitsOf(unit, unit.gradient, units)) push(each)
    else push(unit)
  }
  return { units, form }
}

function unitOf(expression: Expression, form: NormalForm): Unit | undefined {
  const number = form.numbers.get(expression)!
  const common = { expression: number, captures: [], isRewired: false }
  const ids = (values: ReturnType<typeof inputsOf>): string[] =>
    values.map(value => (value ? recordedId(form, value) : ''))
  const outputs = (count: number): string[] => Array.from({ length: count }, (_, i) => resultId(number, i))
  switch (expression.kind) {
    case 'operation':
      return {
        kind: 'operation',
        operation: expression,
        inputs: ids(expression.inputs),
        outputs: outputs(expression.outputs),
        ...common,
      }
    case 'hook':
      return {
        kind: 'operation',
        operation: new Operation('Identity', '', [expression.input], {}, 1, expression.mark),
        hook: { expression, reads: leavesOf(expression.outgoing).map(read => recordedId(form, read)) },
        inputs: ids([expression.input]),
        outputs: outputs(1),
        ...common,
      }
    case 'gradient':
      return {
        kind: 'gradient',
        gradient: expression,
        inputs: ids(inputsOf(expression)).filter(id => id !== ''),
        outputs: outputs(expression.at.length),
        ...common,
      }
    default:
      return undefined
  }
}
