import { parseTemplate, TemplateSyntaxError } from '../language/template/parser.ts'
import type { Context, NodePath, types } from './babel.ts'
import { templateInfo } from './block-info.ts'
import type { Form } from './forms.ts'
import { member } from './line-marks.ts'
import { pathAtOffset } from './template-position.ts'

/**
 * Turns ``trace(model, inputs)`…` `` into a call of the runtime with the template's texts, their place in the file, and the template's
 * values.
 */
export function expandTemplate(
  { name, most, takes, templateUsage }: Form,
  call: NodePath<types.CallExpression>,
  tagged: NodePath<types.TaggedTemplateExpression>,
  context: Context,
): void {
  const { t, runtime, expanded, fail } = context
  if (!templateUsage) throw fail(tagged, `${name}() takes a function as its block, and no template`)
  const args = call.get('arguments') as NodePath[]
  if (args.length === 0) throw fail(call, `${name}() takes ${takes}: ${templateUsage}`)
  if (args.length > most) throw fail(call, `${name}() takes ${takes} before a template, and no more`)
  if (args.some(arg => arg.isSpreadElement()))
    throw fail(call, `The arguments of ${name}() can’t be spread: write them out`)
  const block = args.find(arg => arg.isFunction())
  if (block) throw fail(block, `This ${name}() has a function and a template: it takes one of them as its block`)

  const { quasis, expressions } = tagged.node.quasi
  const pieces = quasis.map(quasi => quasi.value.raw)
  try {
    parseTemplate(pieces)
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error
    const { message, fix, at } = error
    throw fail(
      pathAtOffset(tagged.get('quasi').get('quasis')[at.piece], at.offset),
      `This template can't be read: ${message}${fix ? `. Do this: ${fix}` : ''}`,
    )
  }
  const starts = quasis.map(({ loc }) => [loc?.start.line ?? 1, (loc?.start.column ?? 0) + 1])
  const compiled = context.uid('template')
  const expansion = t.callExpression(member(runtime, `${name}Template`, t), [
    t.arrayExpression(call.node.arguments as types.Expression[]),
    t.cloneNode(compiled),
    t.arrayExpression(expressions as types.Expression[]),
  ])
  expansion.loc = tagged.node.loc ?? null
  expanded.add(expansion)
  const value = t.objectExpression([
    t.objectProperty(t.identifier('pieces'), t.valueToNode(pieces)),
    t.objectProperty(t.identifier('starts'), t.valueToNode(starts)),
    t.objectProperty(t.identifier('info'), templateInfo(tagged, context)),
  ])
  tagged.replaceWith(expansion)
  context.declared.push(t.variableDeclarator(compiled, value))
}
