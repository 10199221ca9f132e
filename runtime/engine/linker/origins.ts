import type { Program } from '../blocks/program.ts'
import type { Whole } from './slots.ts'

/** Follows the unedited model's own values through a plan: which sessions each went through. */
export class Origins {
  readonly #masks: Map<string, bigint>
  readonly #groups: number

  constructor(program: Program, given: ReadonlySet<string>) {
    const inputs = program.graph.inputs.filter(input => !given.has(input.name))
    this.#masks = new Map(inputs.map(input => [input.name, 0n]))
    this.#groups = program.groups.length
  }

  /** The origin of all that comes out of a part; undefined if an edit or chance has a share in it. */
  through({ part, blocks, group, fed }: Whole): string | undefined {
    if (part.random) return undefined
    let mask = 1n << BigInt(group ?? this.#groups + blocks[0])
    for (const name of part.inputs) {
      const from = (fed.get(name) ?? name) === name ? this.#masks.get(name) : undefined
      if (from === undefined) return undefined
      mask |= from
    }
    for (const name of part.outputs) this.#masks.set(name, mask)
    return mask.toString(36)
  }
}
