/** Reads one outer variable, or assigns it if `set` is true. It is one function for both, because Babel takes time for each function. */
export type FrameVariable = (set?: boolean, value?: unknown) => unknown

/** Values that a block can reach, apart from the variables that it assigns. */
export interface FrameReach {
  /** Returns outer values that the block reads, and into which it may have put something. */
  readonly reach?: () => readonly unknown[]
  /** Returns outer objects whose fields the block reads and then sets. */
  readonly contended?: () => readonly unknown[]
}

export let newFrame: (variables: Readonly<Record<string, FrameVariable>>, reach?: FrameReach) => Frame
let variablesOf: (frame: Frame) => Readonly<Record<string, FrameVariable>>
let reachOf: (frame: Frame) => FrameReach

/** The outer variables that a block assigns. */
export class Frame {
  readonly #variables: Readonly<Record<string, FrameVariable>>
  readonly #reach: FrameReach

  private constructor(variables: Readonly<Record<string, FrameVariable>>, reach: FrameReach) {
    this.#variables = variables
    this.#reach = reach
  }

  static {
    newFrame = (variables, reach = {}) => new Frame(variables, reach)
    variablesOf = frame => frame.#variables
    reachOf = frame => frame.#reach
  }

  get names(): string[] {
    return Object.keys(this.#variables)
  }

  /** Returns the variable's value; undefined while it is in its temporal dead zone. */
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
}

/** Returns the other outer values that the block reads, and into which it may have put something. */
export function reachedFrom(frame: Frame): readonly unknown[] {
  return declared(reachOf(frame).reach)
}

/**
 * Returns the objects whose fields the block reads and then sets. Modules are left out: they are functions, and what a block sets there
 * belongs to its own trace.
 */
function contendedIn(frame: Frame): readonly unknown[] {
  return declared(reachOf(frame).contended).filter(value => typeof value === 'object' && value !== null)
}

/** Whether the block changes nothing that other code could change at the same time. */
export function isAlone(frame: Frame): boolean {
  return frame.names.length === 0 && contendedIn(frame).length === 0
}

/** Whether two blocks share a variable (the variable itself, not only its name) or an object, so that one sees what the other sets. */
export function sharesVariables(one: Frame, other: Frame): boolean {
  return (
    one.names.some(name => name in variablesOf(other) && isSameVariable(one, other, name)) ||
    contendedIn(one).some(object => contendedIn(other).includes(object))
  )
}

/** Assigns the variable of one block, and checks whether the other sees it. */
function isSameVariable(one: Frame, other: Frame, name: string): boolean {
  const sign = {}
  try {
    const before = variablesOf(one)[name]()
    one.set(name, sign)
    const isSame = other.get(name) === sign
    one.set(name, before)
    return isSame
  } catch (error) {
    // Nobody has assigned a variable that is not declared yet.
    if (error instanceof ReferenceError) return false
    throw error
  }
}

function declared(list: (() => readonly unknown[]) | undefined): readonly unknown[] {
  try {
    return list?.() ?? []
  } catch (error) {
    // One of the variables is not declared yet.
    if (error instanceof ReferenceError) return []
    throw error
  }
}
