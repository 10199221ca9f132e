/** A span of text within some lines of a file. Lines and columns count from 1, and the span excludes its end. */
export interface TextSpan {
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
  /** The number of the first line. */
  readonly firstLine: number
}

/** Returns the span's own lines without their common indentation. An empty span has none. */
export function cutOut(lines: readonly string[], { line, column, endLine, endColumn, firstLine }: TextSpan): string[] {
  const part = lines.slice(line - firstLine, endLine - firstLine + 1)
  if (part.length === 0 || (line === endLine && column === endColumn)) return []
  const last = part.length - 1
  part[last] = part[last].slice(0, endColumn - 1)
  // Text before the block is replaced by spaces, so that columns stay.
  part[0] = part[0].slice(0, column - 1).replace(/\S/g, ' ') + part[0].slice(column - 1)
  return deindent(part)
}

function deindent(lines: readonly string[]): string[] {
  const indents = lines.filter(line => line.trim() !== '').map(line => /^[ \t]*/.exec(line)?.[0].length ?? 0)
  const least = Math.min(...indents, Number.MAX_SAFE_INTEGER)
  return lines.map(line => line.slice(Math.min(least, line.length - line.trimStart().length)))
}
