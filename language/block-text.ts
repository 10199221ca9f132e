/** What the macro records about a block at build time: where its text is. Lines and columns count from 1, and the span excludes its end. */
export interface BlockText {
  readonly file: string | undefined
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
  /** The span of the block in the file's text, as offsets in UTF-16 units. */
  readonly start: number
  readonly end: number
  /** The number of the first line of `text`. */
  readonly firstLine: number
  /** The lines around the whole call as they are in the file, for code frames and for the block's own text. */
  readonly text: string
  /** Outer variables that the block assigns: they are copied into the block when it begins, and assigned when it has ended. */
  readonly pulled?: readonly string[]
  /** Outer variables that other functions use too: the block assigns them directly, and they are put back if the trace fails. */
  readonly live?: readonly string[]
}

/** Encodes the record as one string: Babel takes about thirty times as long to visit and print an object of eleven properties. */
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

/** Decodes the record. @throws SyntaxError for text that encodeBlockText() has not written */
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
