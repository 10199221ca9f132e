/** Reads one outer variable, or sets it: one function for both, as each one costs Babel time. */
export type FrameVariable = (set?: boolean, value?: unknown) => unknown

/** Values that a block reaches beside the variables that it assigns. */
export interface FrameReach {
  /** Values of the scope around the block which it reads, and may have put something into. */
  readonly reach?: () => readonly unknown[]
  /** Values whose fields the block reads and then sets. */
  readonly contended?: () => readonly unknown[]
}

export let newFrame: (variables: Readonly<Record<string, FrameVariable>>, reach?: FrameReach) => Frame
let variablesOf: (frame: Frame) => Readonly<Record<string, FrameVariable>>
let reachOf: (frame: Frame) => FrameReach

/** The variables of the scope around a block that the block assigns. */
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
}

/** What else of the scope around it the block reads, and may have put something into. */
export function reachedFrom(frame: Frame): readonly unknown[] {
  return declared(reachOf(frame).reach)
}

/** Objects whose fields the block reads and then sets. A module is none: it is a function, and what is set there is the trace’s own. */
function contendedIn(frame: Frame): readonly unknown[] {
  return declared(reachOf(frame).contended).filter(value => typeof value === 'object' && value !== null)
}

/** Whether the block changes nothing that other code could change at the same time. */
export function isAlone(frame: Frame): boolean {
  return frame.names.length === 0 && contendedIn(frame).length === 0
}

/** Whether two blocks have a variable in common, and not only its name, or an object: what the one sets, the other sees. */
export function sharesVariables(one: Frame, other: Frame): boolean {
  return (
    one.names.some(name => name in variablesOf(other) && isSameVariable(one, other, name)) ||
    contendedIn(one).some(object => contendedIn(other).includes(object))
  )
}

/** Sets the variable of the one, and looks whether the other sees it. */
function isSameVariable(one: Frame, other: Frame, name: string): boolean {
  const sign = {}
  try {
    const before = variablesOf(one)[name]()
    one.set(name, sign)
    const isSame = other.get(name) === sign
    one.set(name, before)
    return isSame
  } catch (error) {
    // A variable that is not declared yet was assigned by nobody.
    if (error instanceof ReferenceError) return false
    throw error
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
