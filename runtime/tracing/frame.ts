import type { OuterScope } from './block.ts'

/** Reads one outer variable, or sets it: one function for both, as each one costs Babel time. */
export type FrameVariable = (set?: boolean, value?: unknown) => unknown

/** The variables of the scope around a block: those that the block assigns, and what it reaches. */
export class Frame {
  readonly #variables: Readonly<Record<string, FrameVariable>>
  readonly #reach: (() => readonly unknown[]) | undefined
  readonly #contended: (() => readonly unknown[]) | undefined

  constructor(variables: Readonly<Record<string, FrameVariable>>, { reach, contended }: OuterScope = {}) {
    this.#variables = variables
    this.#reach = reach
    this.#contended = contended
  }

  /** What else of the scope around it the block reads, and may have put something into. */
  get reached(): readonly unknown[] {
    return declared(this.#reach)
  }

  /** Objects whose fields the block reads and then sets. A module is none: it is a function, and what is set there is the trace’s own. */
  get contended(): readonly unknown[] {
    return declared(this.#contended).filter(value => typeof value === 'object' && value !== null)
  }

  /** Whether the block changes nothing that other code could change at the same time. */
  get isAlone(): boolean {
    return this.names.length === 0 && this.contended.length === 0
  }

  get names(): string[] {
    return Object.keys(this.#variables)
  }

  /** The variable's value; undefined while it is in its temporal dead zone. */
  get(name: string): unknown {
    try {
      return this.#variables[name]()
    } catch (error) {
      if (error instanceof ReferenceError) return undefined
      throw error
    }
  }

  set(name: string, value: unknown): void {
    this.#variables[name](true, value)
  }

  /** Whether they have a variable in common, and not only its name, or an object: what the one sets, the other sees. */
  shares(other: Frame): boolean {
    return (
      this.names.some(name => name in other.#variables && this.#isSame(other, name)) ||
      this.contended.some(object => other.contended.includes(object))
    )
  }

  #isSame(other: Frame, name: string): boolean {
    const probe = {}
    try {
      const before = this.#variables[name]()
      this.set(name, probe)
      const isSame = other.get(name) === probe
      this.set(name, before)
      return isSame
    } catch (error) {
      // Not declared yet: nobody has assigned it.
      if (error instanceof ReferenceError) return false
      throw error
    }
  }
}

function declared(list: (() => readonly unknown[]) | undefined): readonly unknown[] {
  try {
    return list?.() ?? []
  } catch (error) {
    // One of them is not declared yet.
    if (error instanceof ReferenceError) return []
    throw error
  }
}
