/** One outer variable, as the macro hands it over. */
export interface FrameVariable {
  get(): unknown
  set(value: unknown): void
}

/** The variables of the scope around a block that the block assigns. */
export class Frame {
  readonly #variables: Readonly<Record<string, FrameVariable>>

  constructor(variables: Readonly<Record<string, FrameVariable>>) {
    this.#variables = variables
  }

  get names(): string[] {
    return Object.keys(this.#variables)
  }

  /** The variable's value; undefined while it is in its temporal dead zone. */
  get(name: string): unknown {
    try {
      return this.#variables[name].get()
    } catch (error) {
      if (error instanceof ReferenceError) return undefined
      throw error
    }
  }

  set(name: string, value: unknown): void {
    this.#variables[name].set(value)
  }
}
