import type { Context, NodePath, types } from './babel.ts'
import type { OuterVariables } from './variables.ts'

/** What the runtime is told of a block: its own text, and where it stands. */
export function infoOf(
  call: NodePath,
  block: NodePath<types.Function>,
  { local, live }: OuterVariables,
  context: Context,
): Record<string, unknown> {
  const body = block.node.body
  const statements = body.type === 'BlockStatement' ? [...body.directives, ...body.body] : [body]
  const first = statements[0]?.loc?.start ?? body.loc?.start ?? { line: 1, column: 0 }
  const last = statements.at(-1)?.loc?.end ?? first
  const info = spanInfo(call, body, statements.length > 0 ? { first, last } : { first }, context)
  return { ...info, pulled: local, pushed: local, live }
}

/** The same of a template: its text between the backticks. */
export function templateInfo(
  tagged: NodePath<types.TaggedTemplateExpression>,
  context: Context,
): Record<string, unknown> {
  const { quasi } = tagged.node
  const [head, tail] = [quasi.quasis[0], quasi.quasis.at(-1)]
  const info = spanInfo(tagged, quasi, { first: head.loc?.start ?? { line: 1, column: 0 } }, context)
  const text = context.code.slice(head.start ?? 0, tail?.end ?? 0)
  return { ...info, source: deindent(text.split(/\r\n|\n|\r/)) }
}

function spanInfo(
  call: NodePath,
  { start, end }: types.Node,
  { first, last }: { first: Place; last?: Place },
  { code, file }: Context,
): Record<string, unknown> {
  const lines = code.split(/\r\n|\n|\r/)
  const callStart = call.node.loc?.start.line ?? first.line
  const callEnd = call.node.loc?.end.line ?? (last ?? first).line
  const from = Math.max(1, callStart - 2)
  return {
    source: last ? deindent(sliceLines(lines, first, last)) : [],
    file,
    line: first.line,
    column: first.column + 1,
    start: start ?? 0,
    end: end ?? 0,
    context: { firstLine: from, lines: lines.slice(from - 1, callEnd + 2) },
  }
}

interface Place {
  readonly line: number
  readonly column: number
}

/** Whole lines between two places; on the first line what stands before the block becomes spaces. */
function sliceLines(lines: readonly string[], start: Place, end: Place): string[] {
  const part = lines.slice(start.line - 1, end.line)
  if (part.length === 0) return part
  part[part.length - 1] = start.line === end.line ? part[part.length - 1].slice(0, end.column) : part[part.length - 1]
  const before = part[0].slice(0, start.column)
  part[0] = before.replace(/\S/g, ' ') + part[0].slice(start.column)
  return part
}

function deindent(lines: readonly string[]): string[] {
  const indents = lines.filter(line => line.trim() !== '').map(line => /^[ \t]*/.exec(line)?.[0].length ?? 0)
  const least = Math.min(...indents, Number.MAX_SAFE_INTEGER)
  return lines.map(line => line.slice(Math.min(least, line.length - line.trimStart().length)))
}
