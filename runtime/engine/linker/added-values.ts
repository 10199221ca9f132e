import type { Mark, Recording, Tap, Value } from '../../graph/expression.ts'
import { inputsOf } from '../../graph/expression.ts'
import type { Program } from '../blocks/program.ts'
import type { Demand } from './demand.ts'
import type { Step } from './plan.ts'
import { buildStep } from './step.ts'
import type { Unit } from './unit.ts'

/** What a recording adds to the model's graph, apart from the model, so that its sizes can be found before anything runs. */
export interface AddedValues {
  /** Steps of the added nodes alone, in turn: they read the model's values, and every value that they make is an output. */
  readonly steps: readonly Step[]
  /** The id of each value that is written, and the place. */
  readonly writes: readonly { readonly id: string; readonly tap: Tap; readonly mark: Mark | undefined }[]
  /** The dtype and dims that the recording states for values, by id. */
  readonly stated: readonly { readonly id: string; readonly value: Value }[]
  /** The number of added nodes. */
  readonly nodes: number
}

/** @param demand the linked recording */
export function addedValues(program: Program, recording: Recording, demand: Demand): AddedValues {
  const units = demand.units.filter(({ kind }) => kind !== 'node')
  const made = new Set(units.flatMap(unit => unit.outputs))
  const stated: { id: string; value: Value }[] = []
  const state = (value: Value | undefined): void => {
    if (!value || !/^(operation|read|application)$/.test(value.expression.kind)) return
    const id = demand.idOf(value)
    if (made.has(id) || program.typeOf(id) !== undefined) stated.push({ id, value })
  }
  for (const { expression } of units) {
    const recorded = expression === undefined ? undefined : demand.form.order[expression]
    // Only operations are linked with all that they read: a hook is linked in part.
    if (recorded?.kind === 'operation') inputsOf(recorded).forEach(state)
  }
  recording.wanted.forEach(state)
  const writes = [...recording.writes].flatMap(([tap, all]) =>
    all.map(({ value, mark }) => ({ id: demand.idOf(value), tap, mark })),
  )
  return { steps: stepsOf(program, demand, units), writes, stated, nodes: units.length }
}

/** Copies of the model's nodes are in its opset, recorded operations in theirs. */
function stepsOf(program: Program, demand: Demand, units: readonly Unit[]): Step[] {
  const runs: Unit[][] = []
  for (const unit of units) {
    const last = runs.at(-1)
    if (last && last[0].kind === unit.kind) last.push(unit)
    else runs.push([unit])
  }
  const typeOf = (id: string) => demand.types.get(id) ?? program.typeOf(id)
  return runs.map(run =>
    buildStep({
      program,
      form: demand.form,
      units: run,
      typeOf,
      blocks: [0],
      isModelStage: false,
      outputs: run.flatMap(unit => unit.outputs.filter(id => id !== '')),
      edges: [],
      dropped: [],
    }),
  )
}
