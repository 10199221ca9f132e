import type { Inputs } from './loaded/inputs.ts'
import type { Model } from './model.ts'
import type { ModelShapes } from './shapes.ts'

/** The function that `scan(model, inputs)` expands to. */
export function scanModel(model: Model, inputs: Inputs): Promise<ModelShapes> {
  return model.scan(inputs)
}
