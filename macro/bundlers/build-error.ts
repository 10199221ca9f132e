import { relative, sep } from 'node:path'

export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** What failed in a file, as every bundler shows it: place and code frame stand in the message, `id` and `loc` are there for those that read them. */
export class BuildError extends Error {
  readonly id: string
  readonly loc: Place | undefined

  constructor(message: string, file: string, loc: Place | undefined, cause: unknown) {
    super(message, { cause })
    this.name = 'BuildError'
    this.id = file
    this.loc = loc
    // Bundlers print the stack, and Babel's frames tell nobody anything.
    this.stack = `${this.name}: ${message}`
  }
}

/** Babel's error, with its place: it has that in the frame only, and the file's whole path before the text. */
export function buildError(error: unknown, file: string, root: string): unknown {
  if (!(error instanceof Error)) return error
  const { loc } = error as { loc?: { line: number; column: number } }
  const text = error.message.startsWith(`${file}: `) ? error.message.slice(file.length + 2) : error.message
  const name = relative(root, file).split(sep).join('/')
  const place = loc ? `${name}:${loc.line}:${loc.column + 1}` : name
  return new BuildError(`${place}: ${text}`, file, loc && { file, line: loc.line, column: loc.column }, error)
}
