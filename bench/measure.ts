/** One line of the bench's result. `holds` is undefined where there is no target. */
export interface Measure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly target: number | undefined
  readonly holds: boolean | undefined
}

export function measure(name: string, value: number, unit: string, target?: number): Measure {
  return {
    name,
    value: Number(value.toPrecision(4)),
    unit,
    target,
    holds: target === undefined ? undefined : value <= target,
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

/** Milliseconds between tasks: a session's idle threads spin for a while after a run, and would slow whoever comes next. */
const PAUSE = 40

/** Times each task in turn, over and over: what disturbs the machine disturbs all. Medians of milliseconds, in the tasks' order. */
export async function interleave(
  rounds: number,
  tasks: readonly ((round: number) => Promise<unknown>)[],
): Promise<number[]> {
  const times = tasks.map(() => [] as number[])
  for (let round = -2; round < rounds; round++) {
    for (const [i, task] of tasks.entries()) {
      await new Promise(resolve => setTimeout(resolve, PAUSE))
      const start = performance.now()
      await task(round + 2)
      if (round >= 0) times[i].push(performance.now() - start)
    }
  }
  return times.map(median)
}
