import { OnnsightError } from '../runtime/errors/error.ts'
import { SweepError } from '../runtime/errors/sweep.ts'
import { version } from '../runtime/errors/version.ts'
import type { InterventionGraph } from '../runtime/model/intervention.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { LoadedModel } from '../runtime/model/loaded/loaded-model.ts'
import type { Model } from '../runtime/model/model.ts'
import { modelHash } from '../runtime/onnx/reading/model-hash.ts'
import { asTraceable } from '../runtime/tracing/traceable.ts'
import type { SweepOptions } from './options.ts'
import type { Grid, Point, PointOf } from './rows/points.ts'
import type { SweepRow } from './rows/row.ts'

/** What all rows of a sweep have in common. */
export type Made = Omit<NonNullable<SweepRow['run']>, 'graph'>

export async function madeOf(model: Model): Promise<Made> {
  const { path } = (asTraceable(model, 'sweep').identity as LoadedModel).source
  return { model: await modelHash(path), versions: { onnsight: version, node: process.versions.node } }
}

/** Records a point: its edit and its measure on its inputs. */
export async function recordPoint<G extends Grid>(
  { model, inputs, edit, measure, template }: SweepOptions<G>,
  point: PointOf<G>,
): Promise<InterventionGraph> {
  const own = typeof inputs === 'function' ? inputs(point) : (inputs ?? ((point as Point).prompt as Inputs | undefined))
  if (own === undefined)
    throw new SweepError('The sweep has no inputs.', 'pass inputs, or give the points a prompt: over: { prompt: […] }')
  if (template) return model.record(own, template(point))
  return model.record(own, async traced => {
    await edit?.(traced, point)
    return measure!(traced, point)
  })
}

/** The error in one line, with its code. */
export function errorText(error: unknown): string {
  const [message] = (error instanceof Error ? error.message : String(error)).split('\n')
  return error instanceof OnnsightError ? `${error.code}: ${message}` : message
}
