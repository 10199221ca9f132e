import { type Expression, type Incoming, inputsOf, type Value } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import { Backward } from './backward.ts'
import { GrowingForm } from './growing-form.ts'
import { LinkedShapes, NO_MODEL } from './linked-shapes.ts'
import { makesUnit, outsideOfHook, readsOfHook, recordedUnit } from './recorded-unit.ts'
import { recordedId, type Unit } from './unit.ts'

/**
 * The units of a recording without a model, producers first, with its gradients written out; and its form with what they add.
 * @throws GradientArgumentError if what flows back to a place is used outside of the function that withGrad() calls with it
 */
export function recordedUnits(
  recorded: NormalForm,
  wanted: readonly Value[],
): { readonly units: readonly Unit[]; readonly form: NormalForm } {
  const form = new GrowingForm(recorded)
  const producers = new Map<string, Unit>()
  const shapes = new LinkedShapes(NO_MODEL, form, producers)
  const backward = new Backward(NO_MODEL.opset, form, shapes)
  const units: Unit[] = []
  const push = (unit: Unit): void => {
    units.push(unit)
    for (const output of unit.outputs) producers.set(output, unit)
  }
  // What is computed from what flows back. It becomes units where a gradient passes the hook.
  const flowing = new Map<Expression, Incoming>()
  const refuseFlowing = (values: readonly Value[]): void => {
    for (const { expression } of values) if (flowing.has(expression)) throw outsideOfHook(flowing.get(expression)!)
  }
  for (const expression of recorded.order) {
    const inputs = expression.kind === 'hook' ? [expression.input] : inputsOf(expression)
    const from = inputs.find(input => input && flowing.has(input.expression))
    const incoming = expression.kind === 'incoming' ? expression : from && flowing.get(from.expression)
    if (incoming) {
      flowing.set(expression, incoming)
      continue
    }
    for (const input of inputs) if (input) shapes.add(recordedId(form, input), input.type, input.dims)
    if (!makesUnit(expression)) continue
    refuseFlowing(readsOfHook(expression))
    const unit = recordedUnit(expression, form.numbers.get(expression)!, value => recordedId(form, value))
    if (unit.gradient) for (const each of backward.unitsOf(unit, unit.gradient, units)) push(each)
    else push(unit)
  }
  refuseFlowing(wanted)
  return { units, form }
}
