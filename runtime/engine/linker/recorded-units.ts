import { inputsOf } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import { Backward } from './backward.ts'
import { GrowingForm } from './growing-form.ts'
import { LinkedShapes, NO_MODEL } from './linked-shapes.ts'
import { makesUnit, recordedUnit } from './recorded-unit.ts'
import { recordedId, type Unit } from './unit.ts'

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
    if (!makesUnit(expression)) continue
    const unit = recordedUnit(expression, form.numbers.get(expression)!, value => recordedId(form, value))
    if (unit.gradient) for (const each of backward.unitsOf(unit, unit.gradient, units)) push(each)
    else push(unit)
  }
  return { units, form }
}
