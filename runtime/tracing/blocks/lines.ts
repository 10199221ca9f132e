import type { Mark } from '../../graph/expression.ts'
import { hasText, type Info } from './info.ts'
import { LineMark, StackMark } from './mark.ts'

/** Knows the line of the user that a trace is at, so that each recorded operation and each error can name it. */
export class Lines {
  /** The block's text and place. */
  info: Info | undefined
  /** The lines of the trace whose invokes this one runs as one batch. */
  batchOf: Lines | undefined
  #mark: Mark | undefined
  #call: StackMark | undefined
  /** How many blocks with a text of their own are being recorded: the trace's, and those of edits. */
  #texts = 0

  constructor(info: Info | undefined) {
    this.info = info
  }

  /** `file:line:column` of the block, or of the call that has no text. */
  get name(): string {
    if (this.batchOf) return this.batchOf.name
    if (!this.info) return this.#call?.label() ?? 'a trace'
    return `${this.info.filename}:${this.info.startLine}:${this.info.startColumn}`
  }

  /** Notes where the trace was called. The stack is read only when an error needs it, as that costs more than recording does. */
  noteCall(): void {
    if (!this.info) this.#call = new StackMark()
  }

  /** Where the trace was called. */
  get call(): StackMark {
    return this.#call ?? new StackMark()
  }

  /** A block with this text begins: its lines are noted from now on. */
  textBegun(info: Info): void {
    if (hasText(info)) this.#texts++
  }

  /** The text of a block has ended. Lines of an edit are not those of the plain function after it. */
  textEnded(): void {
    if (this.#texts > 0) this.#texts--
    if (!this.#hasText) this.#mark = undefined
  }

  /** The macro calls this before each statement. The lines of a plain function are not noted: there the stack tells each line. */
  note(mark: Mark): void {
    if (this.#hasText) this.#mark = mark
  }

  /** A statement of a template begins. */
  at(line: number, column: number, info: Info | undefined = this.info): void {
    this.#mark = info ? new LineMark(info, line, column) : undefined
  }

  forget(): void {
    this.#mark = undefined
  }

  /** The line that was noted last, if one was. */
  get noted(): Mark | undefined {
    return this.#mark
  }

  /** The line that the trace is at: the one that was noted, or that of the stack. */
  mark(): Mark | undefined {
    return this.#mark ?? this.batchOf?.mark() ?? (this.info && hasText(this.info) ? undefined : new StackMark())
  }

  /** Runs one call of the user's. The stack is read once for it, however much it records. */
  oneCall<R>(body: () => R): R {
    if (this.#mark) return body()
    this.#mark = this.mark()
    try {
      return body()
    } finally {
      this.#mark = undefined
    }
  }

  get #hasText(): boolean {
    const { info } = this.batchOf ?? this
    return this.#texts > 0 || (info !== undefined && hasText(info))
  }
}
