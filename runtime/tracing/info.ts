import type { SourcePosition } from '../errors/error.ts'
import type { Frame } from './frame.ts'

/** What the macro knows of a block at build time. */
export interface InfoRecord {
  /** The block's own lines, de-indented. */
  readonly source: readonly string[]
  readonly file: string | undefined
  /** Of the block's first line in the file, 1-based. */
  readonly line: number
  readonly column: number
  /** Span of the block in the file's text: offsets in UTF-16 units. */
  readonly start: number
  readonly end: number
  /** The lines around the whole call, as they stand in the file: for code frames. */
  readonly context?: { readonly firstLine: number; readonly lines: readonly string[] }
  /** Outer variables that the block assigns: pulled in at its start, pushed back at its end. */
  readonly pulled?: readonly string[]
  readonly pushed?: readonly string[]
  /** Outer variables that other functions use too: assigned in place, put back if the trace fails. */
  readonly live?: readonly string[]
}

let unnamed = 0

/** The captured block: its text, where it stands, and the frame whose variables it uses. */
export class Info {
  readonly source: readonly string[]
  readonly frame: Frame | undefined
  readonly startLine: number
  readonly startColumn: number
  readonly node: { readonly start: number; readonly end: number } | undefined
  readonly filename: string
  readonly context: InfoRecord['context']
  readonly live: readonly string[]

  constructor(
    source: readonly string[],
    frame: Frame | undefined,
    startLine: number,
    node?: { readonly start: number; readonly end: number },
    filename?: string,
    details: { startColumn?: number; context?: InfoRecord['context']; live?: readonly string[] } = {},
  ) {
    this.source = source
    this.frame = frame
    this.startLine = startLine
    this.startColumn = details.startColumn ?? 1
    this.node = node
    this.filename = filename ?? `<onnsight ${++unnamed}>`
    this.context = details.context
    this.live = details.live ?? []
  }

  static fromRecord(record: InfoRecord, frame: Frame): Info {
    const { source, line, column, start, end, file, context, live } = record
    return new Info(source, frame, line, { start, end }, file, {
      startColumn: column,
      ...(context ? { context } : {}),
      ...(live ? { live } : {}),
    })
  }

  copy(): Info {
    return new Info(this.source, this.frame, this.startLine, this.node, this.filename, {
      startColumn: this.startColumn,
      ...(this.context ? { context: this.context } : {}),
      live: this.live,
    })
  }

  position(line = this.startLine, column = this.startColumn): SourcePosition {
    return { file: this.filename, line, column, ...(this.context ? { source: this.context } : {}) }
  }

  /** The frame and the node do not travel. */
  toJSON(): InfoJSON {
    return { source: [...this.source], startLine: this.startLine, filename: this.filename }
  }

  static fromJSON({ source, startLine, filename }: InfoJSON): Info {
    return new Info([...source], undefined, startLine, undefined, filename)
  }
}

export interface InfoJSON {
  readonly source: readonly string[]
  readonly startLine: number
  readonly filename: string
}
