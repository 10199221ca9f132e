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
  /** The number of blocks with a text that are being recorded: the trace's own, and those of edits. */
  #texts = 0

  constructor(info: Info | undefined) {
    this.info = info
  }

  /** `file:line:column` of the block, or of the call if the block has no text. */
  get name(): string {
    if (this.batchOf) return this.batchOf.name
    if (!this.info) return this.#call?.label() ?? 'a trace'
    return `${this.info.filename}:${this.info.startLine}:${this.info.startColumn}`
  }

  /** Notes where the trace was called. The stack is read only when an error needs it, as that costs more than recording does. */
  noteCall(): void {
    if (!this.info) this.#call = new StackMark()
  }

  /** The place where the trace was called. */
  get call(): StackMark {
    return this.#call ?? new StackMark()
  }

  /** Notes that a block with this text begins: its lines are noted from now on. */
  textBegun(info: Info): void {
    if (hasText(info)) this.#texts++
  }

  /** Notes that the text of a block has ended. Lines of an edit say nothing about a plain function that follows. */
  textEnded(): void {
    if (this.#texts > 0) this.#texts--
    if (!this.#hasText) this.#mark = undefined
  }

  /** Notes a line. The macro calls this before each statement. For a plain function nothing is noted, because the stack tells each line. */
  note(mark: Mark): void {
    if (this.#hasText) this.#mark = mark
  }

  /** Notes the place of a template's statement, which runs next. */
  at(line: number, column: number, info: Info | undefined = this.info): void {
    this.#mark = info ? new LineMark(info, line, column) : undefined
  }

  forget(): void {
    this.#mark = undefined
  }

  /** The line that was noted last; undefined if none was. */
  get noted(): Mark | undefined {
    return this.#mark
  }

  /** Returns the line that the trace is at: the noted one, or the one in the stack. */
  mark(): Mark | undefined {
    return this.#mark ?? this.batchOf?.mark() ?? (this.info && hasText(this.info) ? undefined : new StackMark())
  }

  /** Runs one call of the user. The stack is read once for it, however much it records. */
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
