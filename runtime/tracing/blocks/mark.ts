import type { SourcePosition } from '../../errors/error.ts'
import { isOwnFrame, placeOf } from '../../errors/own-frames.ts'
import type { Mark } from '../../graph/expression.ts'
import type { Info } from './info.ts'

/** A line that the macro noted before it ran. */
export class LineMark implements Mark {
  readonly #info: Info
  readonly #line: number
  readonly #column: number

  constructor(info: Info, line: number, column: number) {
    this.#info = info
    this.#line = line
    this.#column = column
  }

  position(): SourcePosition {
    return this.#info.position(this.#line, this.#column)
  }

  label(): string {
    return `${this.#info.filename}:${this.#line}:${this.#column}`
  }
}

/** The line of a plain function. It is read from the stack, and only when an error needs it. */
export class StackMark implements Mark {
  readonly #error: Error
  #position: SourcePosition | undefined

  constructor() {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 12
    this.#error = new Error()
    Error.stackTraceLimit = limit
  }

  position(): SourcePosition | undefined {
    this.#position ??= userFrame(this.#error.stack ?? '')
    return this.#position
  }

  label(): string {
    const at = this.position()
    return at ? `${at.file}:${at.line}:${at.column}` : 'a trace'
  }
}

function userFrame(stack: string): SourcePosition | undefined {
  for (const line of stack.split('\n').slice(1)) {
    const place = placeOf(line)
    if (place && !place.file.startsWith('node:') && !isOwnFrame(line)) return place
  }
  return undefined
}
