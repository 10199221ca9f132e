import { collect } from './memory.ts'

/** One line of the bench's result. `holds` is undefined if there is no target. */
export interface Measure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** For a ratio: the ratio of the 10th percentiles, which other work on the machine disturbs less. */
  readonly tenth: number | undefined
  readonly target: number | undefined
  readonly holds: boolean | undefined
}

export function measure(name: string, value: number, unit: string, target?: number, tenth?: number): Measure {
  return {
    name,
    value: Number(value.toPrecision(4)),
    unit,
    tenth: tenth === undefined ? undefined : Number(tenth.toPrecision(4)),
    target,
    holds: target === undefined ? undefined : value <= target && (tenth ?? 0) <= target,
  }
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length * part)]
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

export interface Times {
  readonly median: number
  readonly tenth: number
}

/**
 * Milliseconds before each run that is measured. A session with default options has threads that go on spinning after a run, for some tens of
 * milliseconds: a run of another session in that time has one core less, and takes up to twice as long (measured on 2 cores).
 */
export const REST = 100

/**
 * The milliseconds of each task, in the tasks' order. Each round runs all tasks once, in another order, with `rest` ms before each: a task
 * that always follows the same one, or follows it at once, would find its warm caches and threads. Before each rest, garbage is collected:
 * V8 collects the outputs of earlier runs whenever JavaScript runs, so in our runs but never inside a plain session's only call, and its
 * marking takes the cores from onnxruntime. Beside tasks in other processes, which collect their own, `collects` must be false. `warm` rounds before
 * the first are not measured.
 */
export async function timed(
  rounds: number,
  rest: number,
  tasks: readonly ((round: number) => Promise<unknown>)[],
  { warm = 3, collects = true }: { warm?: number; collects?: boolean } = {},
): Promise<Times[]> {
  const times = tasks.map(() => [] as number[])
  for (let round = -warm; round < rounds; round++) {
    for (const i of shuffled(tasks.length)) {
      if (rest > 0) {
        if (collects) collect()
        await pause(rest)
      }
      const time = await timeOf(() => tasks[i](round + warm))
      if (round >= 0) times[i].push(time)
    }
  }
  return times.map(percentiles)
}

/** How many runs follow each other at once, without the first of them, which is not measured. */
const ROW = 4

/** The same for runs of one task that follow each other at once. Each round measures a row of each task, in another order. */
export async function timedInRows(
  rounds: number,
  tasks: readonly ((round: number) => Promise<unknown>)[],
): Promise<Times[]> {
  const times = tasks.map(() => [] as number[])
  for (let round = -1; round < Math.ceil(rounds / ROW); round++) {
    for (const i of shuffled(tasks.length)) {
      await pause(REST)
      for (let run = -1; run < ROW; run++) {
        const time = await timeOf(() => tasks[i](round * ROW + run + ROW + 1))
        if (round >= 0 && run >= 0) times[i].push(time)
      }
    }
  }
  return times.map(percentiles)
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

async function timeOf(task: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await task()
  return performance.now() - start
}

const percentiles = (list: readonly number[]): Times => ({ median: median(list), tenth: percentile(list, 0.1) })

/** The ratio of the times of `task` and `peer`: that of their medians, and that of their 10th percentiles. */
export function ratio(name: string, task: Times, peer: Times, target?: number): Measure {
  return measure(name, task.median / peer.median, '×', target, task.tenth / peer.tenth)
}

function shuffled(count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}
