import type { Program } from '../blocks/program.ts'
import type { Unedited } from './session-runs.ts'

/** Finds the sessions that each value of the unedited model passes through in a plan. */
export class SessionsBehind {
  readonly #masks: Map<string, bigint>
  readonly #groups: number

  constructor(program: Program, alreadyComputed: ReadonlySet<string>) {
    const inputs = program.graph.inputs.filter(input => !alreadyComputed.has(input.name))
    this.#masks = new Map(inputs.map(input => [input.name, 0n]))
    this.#groups = program.groups.length
  }

  /** A text that identifies the sessions behind a part's outputs; undefined if an edit or a random node lies behind them. */
  originOf({ part, blocks, group, feeds }: Unedited): string | undefined {
    if (part.random) return undefined
    let mask = 1n << BigInt(group ?? this.#groups + blocks[0])
    for (const name of part.inputs) {
      const from = (feeds.get(name) ?? name) === name ? this.#masks.get(name) : undefined
      if (from === undefined) return undefined
      mask |= from
    }
    for (const name of part.outputs) this.#masks.set(name, mask)
    return mask.toString(36)
  }
}
