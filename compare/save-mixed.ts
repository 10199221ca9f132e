import type { Model } from '../runtime/model/model.ts'
import type { ComparedInputs } from './inputs.ts'
import type { MixedModel } from './mixing/save-mixed.ts'
import { prepareRuns } from './prepare-runs.ts'

/**
 * Writes the second model with some modules of the first in the place of its own, as plain ONNX: their nodes and float weights. The file is
 * then run by onnxruntime alone, and the result says how far its output is from the first model's. Both models were loaded from files.
 *
 * @throws ArgumentError for a module that can't take its place; UnwritableModelError
 * @example
 * const found = await compare(a, b, null, { keepFloat: 2 })
 * const mixed = await saveMixed(a, b, found.keepFloat.map(({ module }) => module), 'mixed.onnx')
 */
export async function saveMixed(
  a: Model,
  b: Model,
  modules: readonly string[],
  file: string,
  inputs?: ComparedInputs | null,
): Promise<MixedModel> {
  const runs = await prepareRuns(a, b, inputs)
  try {
    // Only Node writes files; a page that compares models does without this.
    const { writeMixed } = await import('./mixing/save-mixed.ts')
    return await writeMixed(a, b, modules, file, runs)
  } finally {
    await runs.end()
  }
}
