import { stat } from 'node:fs/promises'
import { onnxruntime } from '../../runtime/engine/providers/onnxruntime-node.ts'
import { wrapSession } from '../../runtime/engine/providers/ort.ts'
import { ArgumentError } from '../../runtime/errors/tensor.ts'
import type { Model } from '../../runtime/model/model.ts'
import { readModel } from '../../runtime/onnx/reading/read.ts'
import { fitsInFile } from '../../runtime/onnx/writing/fits-in-file.ts'
import { writeModel } from '../../runtime/onnx/writing/write.ts'
import { stateOf, Tensor } from '../../runtime/tensor/tensor.ts'
import { outputOf } from '../measuring/runs.ts'
import type { Runs } from '../prepare-runs.ts'
import { mixedMessage } from './mixed-message.ts'
import { replacementOf } from './replacement.ts'

/** A model that was written with some modules of A in the place of those of B. */
export interface MixedModel {
  readonly file: string
  /** The modules, by their paths in A. */
  readonly modules: readonly string[]
  /** The size of the .onnx file. Weights that B has in other files are still there. */
  readonly bytes: number
  /** What onnxruntime alone gives for the file: the error of its output against A's, in the unit of the metric, averaged over inputs. */
  readonly error: number
  readonly metric: string
}

/** Writes the mixed model, and runs the file by onnxruntime alone. @throws ArgumentError for a module that can't take its place in B */
export async function writeMixed(
  a: Model,
  b: Model,
  modules: readonly string[],
  file: string,
  { pairs, setUpFor }: Runs,
): Promise<MixedModel> {
  const { sides, pairing, metric } = await setUpFor(pairs[0])
  const replacements = modules.map(module => {
    const found = replacementOf(sides.a, sides.b, pairing, module)
    if (typeof found !== 'string') return found
    throw new ArgumentError(
      `saveMixed: ${module} can’t take its place in the second model: ${found}.`,
      undefined,
      'leave it out; compare() with keepFloat lists modules that can',
    )
  })
  const [ours, theirs] = [await readModel(a.name), await readModel(b.name)]
  const message = mixedMessage(theirs.message, sides.a, sides.b, replacements)
  await writeModel({ ...theirs, message, sources: [...theirs.sources, ...ours.sources] }, file, {
    weights: fitsInFile(message, 'as-read') ? 'as-read' : 'external',
  })
  const ort = await onnxruntime()
  const session = wrapSession(await ort.InferenceSession.create(file, { logSeverityLevel: 4 }), ort.Tensor)
  let error = 0
  try {
    for (const pair of pairs) {
      const due = await a.trace(pair.a, () => outputOf(sides.a, metric.output))
      const feeds = Object.fromEntries(Object.entries(pair.b).map(([name, tensor]) => [name, stateOf(tensor).data()]))
      const output = (await session.run(feeds, [metric.outputOfB]))[metric.outputOfB]
      const value = await metric.measure(metric.prepare(due), Tensor.of(output)).value()
      error += Number((value.tolist() as number[])[0]) / pairs.length
    }
  } finally {
    await session.release()
  }
  return { file, modules, bytes: (await stat(file)).size, error, metric: metric.name }
}
