import { isOwnFrame } from './own-frames.ts'

/** A place in the user's own file. Lines and columns are 1-based. */
export interface SourcePosition {
  /** The path, or what stands for one: `<cell>`. */
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** The lines around it, when the source text is known: for the code frame. */
  readonly source?: { readonly firstLine: number; readonly lines: readonly string[] }
}

/** What an error is made of, beside its message. */
export interface ErrorDetails {
  /** What to do about it: one line, as code where possible. */
  readonly fix?: string
  readonly at?: SourcePosition | undefined
  readonly cause?: unknown
}

let positionNow: () => SourcePosition | undefined = () => undefined

/** Tells which line of a block is being run: errors that are raised in a block stand there. */
export function useBlockPosition(find: () => SourcePosition | undefined): void {
  positionNow = find
}

/** What knows its line in the user's code: where a value was recorded. */
export interface Located {
  position(): SourcePosition | undefined
  /** `src/steer.ts:14:3`. The recorded node has it as its name, so that an error of onnxruntime leads to the line. */
  label(): string
}

/** Every error that onnsight throws: what happened, where, and what to do. `code` is stable. */
export class OnnsightError extends Error {
  /** Which error: stable, `not-saved`. All stand in docs/errors.md. */
  readonly code: string
  /** What to do, as it stands behind "Do this:". */
  declare readonly fix: string | undefined
  /** The line to blame, if it is known. */
  declare readonly at: SourcePosition | undefined

  constructor(code: string, message: string, { at = positionNow(), ...details }: ErrorDetails = {}) {
    super(compose(message, { at, ...details }), details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    // Not enumerable: who prints the error sees them once, in its message.
    for (const [key, value] of Object.entries({ name: nameOf(code), fix: details.fix, at }))
      Object.defineProperty(this, key, { value, writable: true, configurable: true })
    if (this.stack) this.stack = withoutOwnFrames(this.stack.replace(/^Error(?=:)/, this.name))
  }
}

/** Those that are not called as their code is. */
const names: Readonly<Record<string, string>> = {
  'ambiguous-output': 'AmbiguousTapError',
  'no-value': 'NoTapError',
  assertion: 'AssertionFailedError',
  'exit-tracing': 'ExitTracingException',
  'webgpu-unavailable': 'WebGpuUnavailableError',
}

/** The class's name: not from the class itself, which a minifier may call `a`. */
const nameOf = (code: string): string =>
  names[code] ?? `${code.replace(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase())}Error`

/** The user's lines come first: what happens in here tells nobody anything but us. `ONNSIGHT_DEBUG` keeps all. */
function withoutOwnFrames(stack: string): string {
  if (globalThis.process?.env?.ONNSIGHT_DEBUG) return stack
  const kept: string[] = []
  let isCallerOwn = false
  for (const line of stack.split('\n').reverse()) {
    // What JavaScript itself does in between, `at Array.map (<anonymous>)`, is ours where we called it.
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

/** Two lines either side, the line to blame marked, a caret under its column. */
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
