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

/**
 * Times each task in turn, over and over, in one order and then the other: what disturbs the machine disturbs all, and nobody always comes
 * after the same one. Each runs twice in a row and the second run counts: what the task before left in the processor's caches is not its
 * cost. Lower quartiles of milliseconds, in the tasks' order: a busy host only ever adds time.
 */
export async function interleave(
  rounds: number,
  tasks: readonly ((round: number) => Promise<unknown>)[],
): Promise<number[]> {
  const times = tasks.map(() => [] as number[])
  const order = tasks.map((_, i) => i)
  for (let round = -2; round < rounds; round++) {
    for (const i of order) {
      await tasks[i](2 * round + 4)
      const start = performance.now()
      await tasks[i](2 * round + 5)
      if (round >= 0) times[i].push(performance.now() - start)
    }
    order.reverse()
  }
  return times.map(list => list.sort((a, b) => a - b)[Math.floor(list.length / 4)])
}
