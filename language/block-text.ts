/** What the macro knows of a block at build time: where its text stands. Lines and columns count from 1, the end is not in the span. */
export interface BlockText {
  readonly file: string | undefined
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
  /** Span of the block in the file's text: offsets in UTF-16 units. */
  readonly start: number
  readonly end: number
  /** The number of the first line of `text`. */
  readonly firstLine: number
  /** The lines around the whole call, as they stand in the file: for code frames, and the block's own text. */
  readonly text: string
  /** Outer variables that the block assigns: pulled in at its start, pushed back at its end. */
  readonly pulled?: readonly string[]
  /** Outer variables that other functions use too: assigned in place, put back if the trace fails. */
  readonly live?: readonly string[]
}

/** One string: Babel visits and prints an object of eleven properties in some thirty times the time. */
export function encodeBlockText(block: BlockText): string {
  const { line, column, endLine, endColumn, start, end, firstLine, pulled = [], live = [], file, text } = block
  const head = [
    `${line}:${column}-${endLine}:${endColumn}`,
    `${start}-${end}`,
    firstLine,
    ...(pulled.length > 0 ? [`pulled=${pulled}`] : []),
    ...(live.length > 0 ? [`live=${live}`] : []),
    ...(file === undefined ? [] : [`file=${file}`]),
  ]
  return `${head.join(' ').replace(/\n/g, ' ')}\n${text}`
}

const HEAD = /^(\d+):(\d+)-(\d+):(\d+) (\d+)-(\d+) (\d+)(?: pulled=(\S+))?(?: live=(\S+))?(?: file=(.*))?$/

/** @throws SyntaxError for what encodeBlockText() has not written */
export function decodeBlockText(encoded: string): BlockText {
  const at = encoded.indexOf('\n')
  const found = HEAD.exec(encoded.slice(0, at))
  if (!found) throw new SyntaxError(`This is no description of a block: ${encoded.slice(0, at)}`)
  const [line, column, endLine, endColumn, start, end, firstLine] = found.slice(1, 8).map(Number)
  const [pulled, live, file] = found.slice(8) as (string | undefined)[]
  return {
    file,
    line,
    column,
    endLine,
    endColumn,
    start,
    end,
    firstLine,
    text: encoded.slice(at + 1),
    ...(pulled === undefined ? {} : { pulled: pulled.split(',') }),
    ...(live === undefined ? {} : { live: live.split(',') }),
  }
}
