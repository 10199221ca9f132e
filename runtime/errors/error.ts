import { isOwnFrame } from './own-frames.ts'

/** A place in the user's own file. Lines and columns are 1-based. */
export interface SourcePosition {
  /** The file's path, or a name in its place: `<cell>`. */
  readonly file: string
  /** The number of the line, from 1. */
  readonly line: number
  /** The number of the column, from 1. */
  readonly column: number
  /** The lines around the place, for the code frame; undefined if the source text is not known. */
  readonly source?: { readonly firstLine: number; readonly lines: readonly string[] }
}

/** The parts of an error beside its message. */
export interface ErrorDetails {
  /** What the user can do about it: one line, as code if possible. */
  readonly fix?: string
  readonly at?: SourcePosition | undefined
  readonly cause?: unknown
}

let positionNow: () => SourcePosition | undefined = () => undefined

/** Sets the function that finds the line of the block that is being recorded. Errors without a position of their own get that line. */
export function useBlockPosition(find: () => SourcePosition | undefined): void {
  positionNow = find
}

/** Something with a line in the user's code, such as the line on which a value was recorded. */
export interface Located {
  position(): SourcePosition | undefined
  /** `src/steer.ts:14:3`. The recorded node has it as its name, so that an error of onnxruntime leads to the line. */
  label(): string
}

/** The class of every error that onnsight throws. The message says what happened, where, and what to do. `code` never changes. */
export class OnnsightError extends Error {
  /** The kind of error, such as `not-saved`. It never changes; docs/errors.md lists all of them. */
  readonly code: string
  /** What to do: the text after "Do this:" in the message. */
  declare readonly fix: string | undefined
  /** The line to blame, if it is known. */
  declare readonly at: SourcePosition | undefined

  constructor(code: string, message: string, { at = positionNow(), ...details }: ErrorDetails = {}) {
    super(compose(message, { at, ...details }), details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    // They are not enumerable, so that whoever prints the error sees them only once, in its message.
    for (const [key, value] of Object.entries({ name: nameOf(code), fix: details.fix, at }))
      Object.defineProperty(this, key, { value, writable: true, configurable: true })
    if (this.stack) this.stack = withoutOwnFrames(this.stack.replace(/^Error(?=:)/, this.name))
  }
}

/** The names of classes that do not follow from the error's code. */
const names: Readonly<Record<string, string>> = {
  'ambiguous-output': 'AmbiguousTapError',
  'no-value': 'NoTapError',
  assertion: 'AssertionFailedError',
  'exit-tracing': 'ExitTracingException',
  'webgpu-unavailable': 'WebGpuUnavailableError',
}

/** The name of the error's class. It is made from the code, because a minifier may rename the class itself. */
const nameOf = (code: string): string =>
  names[code] ?? `${code.replace(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase())}Error`

/** Removes onnsight's own lines from a stack, so that the user's come first. With the environment variable `ONNSIGHT_DEBUG`, all lines stay. */
function withoutOwnFrames(stack: string): string {
  if (globalThis.process?.env?.ONNSIGHT_DEBUG) return stack
  const kept: string[] = []
  let isCallerOwn = false
  for (const line of stack.split('\n').reverse()) {
    // A line of JavaScript itself, such as `at Array.map (<anonymous>)`, counts as onnsight's own if onnsight called it.
    const isOwn: boolean = isOwnFrame(line) || (isCallerOwn && /^\s+at .*\(<anonymous>\)$/.test(line))
    isCallerOwn = isOwn
    if (!isOwn) kept.push(line)
  }
  return kept.reverse().join('\n')
}

function compose(message: string, { fix, at }: ErrorDetails): string {
  const parts = [message]
  if (at) parts.push(`  ${at.file}:${at.line}:${at.column}`, ...codeFrame(at))
  if (fix) parts.push(`  Do this: ${fix}`)
  return parts.join('\n')
}

/** The line of the error and two lines on either side. The line is marked, and a caret is under its column. */
export function codeFrame(at: SourcePosition): string[] {
  if (!at.source) return []
  const { firstLine, lines } = at.source
  const from = Math.max(firstLine, at.line - 2)
  const to = Math.min(firstLine + lines.length - 1, at.line + 2)
  const width = String(to).length
  const frame: string[] = []
  for (let line = from; line <= to; line++) {
    const mark = line === at.line ? '>' : ' '
    frame.push(`${mark} ${String(line).padStart(width)} | ${lines[line - firstLine]}`)
    if (line === at.line) frame.push(`  ${' '.repeat(width)} | ${' '.repeat(Math.max(0, at.column - 1))}^`)
  }
  return frame
}
