import type { JobModel, UsingModel } from '../queue/jobs.ts'
import type { InterventionGraph } from '../runtime/model/intervention.ts'
import type { Model } from '../runtime/model/model.ts'
import { measured } from './run-graph.ts'

/** A point of a sweep as a job: its graph, which holds the edit, the measure and the inputs. */
export interface PointJob {
  readonly model: JobModel
  readonly graph: InterventionGraph
}

/** What a worker gives for a point. JSON has no NaN, so numbers are texts. */
export interface PointResult {
  readonly values: Readonly<Record<string, string>>
  readonly seconds: number
}

export function runPointJob({ model, graph }: PointJob, using: UsingModel<Model>): Promise<PointResult> {
  return using(model, async found => {
    const start = performance.now()
    const values = await measured(found, graph)
    return {
      values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])),
      seconds: (performance.now() - start) / 1000,
    }
  })
}
