import type { Engine } from '../engine/engine.ts'
import type { ValueShape } from '../engine/scanning/value-shape.ts'
import type { KnownShapes } from '../tracing/taps/tap-access.ts'
import type { InputShapes } from '../tracing/traced-model.ts'

type Shapes = ReadonlyMap<string, ValueShape>

/** The numbers of the steps that are scanned one by one, after the prompt's step. */
const SCANNED = [1, 2, 3]

/** The answers of isOnLine, by the first step's shapes and the last step's number: other generations with the same dims need not compare again. */
const known = new WeakMap<Shapes, Map<number, boolean>>()

/** Whether all dims of these steps, and of the last one, lie on lines. */
function isOnLine([first, second, third]: readonly Shapes[], atEnd: Shapes, last: number): boolean {
  const before = known.get(first) ?? new Map<number, boolean>()
  known.set(first, before)
  let found = before.get(last)
  if (found === undefined) {
    found = first.size === atEnd.size
    for (const [name, shape] of first) {
      if (!found) break
      found = isOneLine(shape, second.get(name), third.get(name), atEnd.get(name), last)
    }
    before.set(last, found)
  }
  return found
}

function isOneLine(
  first: ValueShape,
  second: ValueShape | undefined,
  third: ValueShape | undefined,
  atEnd: ValueShape | undefined,
  last: number,
): boolean {
  const { type, dims } = first
  const others = [second, third, atEnd]
  if (others.some(other => other?.type !== type || other?.dims?.length !== dims?.length)) return false
  for (const [axis, dim] of dims?.entries() ?? []) {
    const [next, afterNext, end] = [second!.dims![axis], third!.dims![axis], atEnd!.dims![axis]]
    const isOpen = dim === undefined || next === undefined
    if (afterNext !== (isOpen ? undefined : dim + 2 * (next - dim))) return false
    if (end !== (isOpen ? undefined : dim + (last - 1) * (next - dim))) return false
    if (isOpen && dim !== next) return false
  }
  return true
}

/**
 * The dims of all values in each step. Scanning every step would cost more than running it, and in a decoder each dim usually grows by the
 * same number in every step. That is not assumed but checked: steps 1 to 3 and the last one are scanned. If each dim has values on one line
 * in these four steps, it is on that line in the steps between, too: a dim that a window limits (a minimum or maximum of lines) would have
 * left the line by the last step. Otherwise every step is scanned.
 */
export class GrowingShapes {
  readonly #growing: ReadonlyMap<string, number>
  readonly #last: number
  /** Whether nobody asks for dims, so that they are not computed. */
  readonly #isIdle: boolean
  readonly #scanned: Shapes[] = []
  #engine: Engine | undefined
  #isOnLine: boolean | undefined

  /** @param last the number of the last step that can come */
  constructor(growing: ReadonlyMap<string, number>, last: number, isIdle: boolean) {
    this.#growing = growing
    this.#last = last
    this.#isIdle = isIdle
  }

  async at(step: number, engine: Engine, inputs: InputShapes): Promise<KnownShapes> {
    if (step === 0) return engine.shapes(inputs)
    if (this.#isIdle) return engine.shapes(this.#moved(inputs, undefined))
    if (SCANNED.includes(step)) {
      const shapes = await engine.shapes(inputs)
      // A merged decoder runs one graph on the prompt, and another one in all later steps.
      if (this.#engine !== engine) this.#scanned.length = 0
      this.#engine = engine
      this.#scanned.push(shapes)
      return shapes
    }
    if (this.#isOnLine === undefined) await this.#findLine(step, engine, inputs)
    if (!this.#isOnLine || this.#engine !== engine) return engine.shapes(inputs)
    return { get: name => this.#predicted(name, step) }
  }

  async #findLine(step: number, engine: Engine, inputs: InputShapes): Promise<void> {
    const isWorthIt = this.#last > step && this.#scanned.length === SCANNED.length && this.#engine === engine
    if (!isWorthIt) {
      this.#isOnLine = false
      return
    }
    const atEnd = await engine.shapes(this.#moved(inputs, this.#last - step))
    this.#isOnLine = isOnLine(this.#scanned, atEnd, this.#last)
  }

  #predicted(name: string, step: number): ValueShape | undefined {
    const [first, second] = this.#scanned.map(shapes => shapes.get(name))
    if (!first?.dims) return first
    const dims = first.dims.map((dim, axis) => {
      const next = second?.dims?.[axis]
      return dim === undefined || next === undefined ? undefined : dim + (next - dim) * (step - 1)
    })
    return { type: first.type, dims }
  }

  /** The shapes of the inputs `steps` steps later. Without a number, the axis that grows has an unknown dim. */
  #moved(inputs: InputShapes, steps: number | undefined) {
    return new Map(
      [...inputs].map(([name, { type, dims }]) => {
        const axis = this.#growing.get(name)
        const moved = dims.map((dim, i) => (i !== axis ? dim : steps === undefined ? undefined : dim + steps))
        return [name, { type, dims: moved }] as const
      }),
    )
  }
}
