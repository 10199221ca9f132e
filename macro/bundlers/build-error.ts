import { relative, sep } from 'node:path'

export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/**
 * An error in a file, in a form that every bundler shows: the message has the place and the code frame, and `id` and `loc` are there for
 * bundlers that read them.
 */
export class BuildError extends Error {
  readonly id: string
  readonly loc: Place | undefined

  constructor(message: string, file: string, loc: Place | undefined, cause: unknown) {
    super(message, { cause })
    this.name = 'BuildError'
    this.id = file
    this.loc = loc
    // Bundlers print the stack, in which Babel's frames help nobody.
    this.stack = `${this.name}: ${message}`
  }
}

/** Converts Babel's error. Babel gives the place only in the code frame, and puts the file's whole path before the text. */
export function buildError(error: unknown, file: string, root: string): unknown {
  if (!(error instanceof Error)) return error
  const { loc } = error as { loc?: { line: number; column: number } }
  const text = error.message.startsWith(`${file}: `) ? error.message.slice(file.length + 2) : error.message
  const name = relative(root, file).split(sep).join('/')
  const place = loc ? `${name}:${loc.line}:${loc.column + 1}` : name
  return new BuildError(`${place}: ${text}`, file, loc && { file, line: loc.line, column: loc.column }, error)
}
