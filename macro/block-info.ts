import { type BlockText, encodeBlockText } from '../language/block-text.ts'
import type { Context, NodePath, types } from './babel.ts'
import type { OuterVariables } from './outer-variables.ts'

/** Encodes where a block's text is, and the lines around it, for the runtime. The runtime cuts out the text when it is asked for. */
export function infoOf(
  call: NodePath,
  block: NodePath<types.Function>,
  { local, live }: OuterVariables,
  context: Context,
): types.StringLiteral {
  const body = block.node.body
  const statements = body.type === 'BlockStatement' ? [...body.directives, ...body.body] : [body]
  const first = statements[0]?.loc?.start ?? body.loc?.start ?? { line: 1, column: 0 }
  const text = blockText(call, body, first, statements.at(-1)?.loc?.end ?? first, context)
  return literal(encodeBlockText({ ...text, pulled: local, live }), context)
}

/** Encodes the same for a template, whose text is between the backticks. */
export function templateInfo(tagged: NodePath<types.TaggedTemplateExpression>, context: Context): types.StringLiteral {
  const { quasi } = tagged.node
  const first = quasi.quasis[0].loc?.start ?? { line: 1, column: 0 }
  return literal(
    encodeBlockText(blockText(tagged, quasi, first, quasi.quasis.at(-1)?.loc?.end ?? first, context)),
    context,
  )
}

interface Place {
  readonly line: number
  readonly column: number
}

function blockText(
  call: NodePath,
  { start, end }: types.Node,
  first: Place,
  last: Place,
  { lines, file }: Context,
): BlockText {
  const callStart = call.node.loc?.start.line ?? first.line
  const callEnd = call.node.loc?.end.line ?? last.line
  const from = Math.max(1, callStart - 2)
  return {
    file,
    line: first.line,
    column: first.column + 1,
    endLine: last.line,
    endColumn: last.column + 1,
    start: start ?? 0,
    end: end ?? 0,
    firstLine: from,
    text: lines.slice(from - 1, callEnd + 2).join('\n'),
  }
}

/** Builds a string literal with its printed form, because Babel's own printing looks at each character. */
function literal(value: string, { t }: Context): types.StringLiteral {
  const literal = t.stringLiteral(value)
  literal.extra = {
    rawValue: value,
    raw: JSON.stringify(value).replace(/[\u2028\u2029]/g, c => `\\u${c.charCodeAt(0).toString(16)}`),
  }
  return literal
}
