import { type Info, pullVariables, pushVariables } from './info.ts'

/** The outer variables that one block assigns. The block works on copies of them, and they get its values once all of it has run. */
export class BlockVariables {
  #ended: Readonly<Record<string, unknown>> | undefined

  /** The values that the block begins with, by name. A block without a text assigns none. */
  pull(info: Info | undefined): Record<string, unknown> {
    return info ? pullVariables(info) : {}
  }

  /** Notes the values that the block has ended with. */
  push(state: Readonly<Record<string, unknown>>): void {
    this.#ended = state
  }

  /** Assigns the noted values to the outer variables. */
  assign(info: Info | undefined): void {
    if (this.#ended && info) pushVariables(info, this.#ended)
  }
}
