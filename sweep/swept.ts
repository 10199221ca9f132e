import { readFile } from 'node:fs/promises'
import { SweepError } from '../runtime/errors/sweep.ts'
import type { LoadedModel } from '../runtime/model/loaded/loaded-model.ts'
import type { Model } from '../runtime/model/model.ts'
import { modelHash } from '../runtime/onnx/reading/model-hash.ts'
import { asTraceable } from '../runtime/tracing/traceable.ts'
import type { SweepRow } from './rows/row.ts'
import { measured } from './run-graph.ts'
import { rowsIn } from './tables/table-file.ts'

/** The table of a sweep. */
export class Swept implements Iterable<SweepRow> {
  /** The rows, in the order of the points. */
  readonly rows: readonly SweepRow[]
  /** Whether the sweep ended before its last point, because `stop` said so. */
  readonly stopped: boolean

  constructor(rows: readonly SweepRow[], stopped = false) {
    this.rows = rows
    this.stopped = stopped
  }

  [Symbol.iterator](): Iterator<SweepRow> {
    return this.rows[Symbol.iterator]()
  }

  /** The rows that failed. */
  get failures(): readonly SweepRow[] {
    return this.rows.filter(({ error }) => error !== undefined)
  }

  /**
   * Computes a row again from what the table holds: its graph, on the model of the same hash. @throws SweepError for another model, or for a row
   * that was not recorded
   */
  async again(model: Model, index: number): Promise<Readonly<Record<string, number>>> {
    const row = this.rows.find(one => one.index === index)
    if (!row?.run)
      throw new SweepError(
        row ? `Row ${index} could not be recorded: ${row.error}` : `There is no row ${index}.`,
        'choose another row',
      )
    const { path } = (asTraceable(model, 'again').identity as LoadedModel).source
    if ((await modelHash(path)) !== row.run.model)
      throw new SweepError(
        `Row ${index} is of another model than ${model.name}: its SHA-256 is ${row.run.model.slice(0, 12)}….`,
        'load the model that the sweep ran on',
      )
    return measured(model, row.run.graph)
  }

  toString(): string {
    const axes = [...new Set(this.rows.flatMap(({ point }) => Object.keys(point)))]
    const measures = [...new Set(this.rows.flatMap(({ values }) => Object.keys(values)))]
    const lines = this.rows.map(({ point, values, error }) => [
      ...axes.map(axis => shown(point[axis])),
      ...(error === undefined ? measures.map(name => shown(values[name])) : [error.split('\n')[0]]),
    ])
    const all = [[...axes, ...measures], ...lines]
    const widths = all[0].map((_, i) => Math.max(...all.map(line => (line[i] ?? '').length)))
    return all
      .map(line =>
        line
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd(),
      )
      .join('\n')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

function shown(value: unknown): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(5)))
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.length > 24 ? `${text.slice(0, 23)}…` : text
}

/** Reads the table of a sweep. @throws SweepError */
export async function readSweep(file: string): Promise<Swept> {
  const bytes = await readFile(file).catch(cause => {
    throw new SweepError(`${file} can’t be read: ${(cause as Error).message}`, 'check the path', cause)
  })
  return new Swept(await rowsIn(file, bytes))
}
