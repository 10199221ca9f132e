import { type Context, type NodePath, type types, withoutTypes } from './babel.ts'

export type Member = NodePath<types.MemberExpression | types.OptionalMemberExpression>

/** The variables that are the block's model. */
export type Models = ReadonlySet<unknown>

/** Returns the variables that are a block's model: the first argument of the call, and the block's parameter. */
export function modelsOf(call: NodePath<types.CallExpression>, block: NodePath<types.Function>): Models {
  const names = [
    [call, call.node.arguments[0]],
    [block, block.node.params[0]],
  ] as const
  return new Set(names.flatMap(([path, node]) => (node?.type === 'Identifier' ? [boundTo(node.name, path)] : [])))
}

/** Returns the binding of a name at this place; for a global variable, the name. */
const boundTo = (name: string, { scope }: NodePath): unknown => scope.getBinding(name) ?? name

/**
 * Refuses indexing in Python's style, which JavaScript accepts silently: `h[s`:, -1`] = 0`, `h[0, 1]`, `model.lm_head.output[0]`,
 * `model.….ops.Softmax[0] = 0`.
 * @throws with a code frame
 */
export function refuseIndexing(path: Member, models: Models, { runtime, t, fail }: Context): void {
  const { object, property, computed } = path.node
  const isWrite = isTarget(path)
  const instead = (slice: string): string =>
    isWrite ? `${textOf(object)}.set(${slice}, …)` : `${textOf(object)}.slice(${slice})`
  if (computed && t.isTaggedTemplateExpression(property) && isSliceTag(property.tag, runtime, t))
    throw fail(path, `A tensor can't be indexed in JavaScript. Write ${instead(textOf(property))}`)
  if (computed && t.isSequenceExpression(property) && property.expressions.every(doesNothing)) {
    const keys = property.expressions.map(textOf).join(', ')
    throw fail(path, `[${keys}] takes only its last value in JavaScript. Write ${instead(`s\`${keys}\``)}`)
  }
  const place = placeOf(object, models, path)
  if (place === undefined) return
  const code = textOf(object)
  if (place === 'tensor' && (isWrite || isIndex(property, computed))) {
    const key = computed ? textOf(property) : undefined
    if (key === undefined || !isIndex(property, computed))
      throw fail(
        path,
        `${textOf(path.node)} = … would be lost. Write ${code} = …, or a part of it: ${code}.set(s\`:, -1\`, …)`,
      )
    const whole = key !== '0' ? '' : isWrite ? ` (all of it, as no tuple leaves here: ${code} = …)` : ''
    const tuple =
      key === '0' && !isWrite ? `Leave out [0], as ${code} is the tensor itself; its first part is ` : 'Write '
    throw fail(path, `A tensor can't be indexed in JavaScript. ${tuple}${instead(`s\`${key}\``)}${whole}`)
  }
  if (place === 'operations' && isWrite)
    throw fail(path, `${textOf(path.node)} = … would be lost. Write what it gives: ${textOf(path.node)}[0].output = …`)
  if (place === 'nodes') {
    if (isWrite)
      throw fail(path, `${textOf(path.node)} = … would be lost. Write what it gives: ${textOf(path.node)}.output = …`)
    if (!computed && t.isIdentifier(property) && /^(output|input)$/.test(property.name))
      throw fail(path, `${code} is a list of nodes. Pick one: ${code}[0].${property.name}`)
  }
}

/** Finds what a part of a path from the model is: the operations of a module, those of one kind, or the tensor at a place. */
function placeOf(node: types.Node, models: Models, path: NodePath): 'tensor' | 'operations' | 'nodes' | undefined {
  const chain: string[] = []
  let at = withoutTypes(node)
  while (at.type === 'MemberExpression' || at.type === 'OptionalMemberExpression') {
    chain.unshift(at.computed ? '[' : at.property.type === 'Identifier' ? at.property.name : '#')
    at = withoutTypes(at.object)
  }
  if (at.type !== 'Identifier' || !models.has(boundTo(at.name, path))) return undefined
  const [before, last] = chain.slice(-2)
  if (last === 'output' || last === 'input') return 'tensor'
  if (last === 'ops') return 'operations'
  return before === 'ops' && last !== '[' ? 'nodes' : undefined
}

const isIndex = (property: types.Node, computed: boolean): boolean =>
  computed &&
  (property.type === 'NumericLiteral' ||
    (property.type === 'UnaryExpression' && property.operator === '-' && property.argument.type === 'NumericLiteral'))

/** Whether an expression has no effect. Before a comma it makes no sense, so several indices were meant. */
const doesNothing = (node: types.Node): boolean =>
  /^(Identifier|NumericLiteral|StringLiteral|NullLiteral|TaggedTemplateExpression)$/.test(node.type) ||
  (node.type === 'UnaryExpression' && doesNothing(node.argument))

/** Whether something is assigned to the path. */
function isTarget(path: NodePath): boolean {
  const { parent, key, parentPath } = path
  if (parentPath && withoutTypes(parent) !== parent) return isTarget(parentPath)
  return (
    (parent.type === 'AssignmentExpression' && key === 'left') ||
    parent.type === 'UpdateExpression' ||
    (parent.type === 'ForOfStatement' && key === 'left') ||
    parent.type === 'ArrayPattern' ||
    (parent.type === 'ObjectProperty' && key === 'value' && parentPath?.parent.type === 'ObjectPattern')
  )
}

/** Whether a tag is `s`, which is the runtime's member by now. */
const isSliceTag = (tag: types.Node, runtime: types.Identifier, t: Context['t']): boolean =>
  t.isMemberExpression(tag) &&
  t.isIdentifier(tag.object, { name: runtime.name }) &&
  t.isIdentifier(tag.property, { name: 's' })

/** Returns the code of a node, for messages. */
function textOf(node: types.Node): string {
  const bare = withoutTypes(node)
  switch (bare.type) {
    case 'Identifier':
      return bare.name
    case 'ThisExpression':
      return 'this'
    case 'NumericLiteral':
      return String(bare.value)
    case 'StringLiteral':
      return JSON.stringify(bare.value)
    case 'UnaryExpression':
      return `${bare.operator}${textOf(bare.argument)}`
    case 'MemberExpression':
    case 'OptionalMemberExpression':
      return bare.computed
        ? `${textOf(bare.object)}[${textOf(bare.property)}]`
        : `${textOf(bare.object)}.${textOf(bare.property)}`
    case 'TaggedTemplateExpression':
      return `s\`${bare.quasi.quasis.map(quasi => quasi.value.raw).join('${…}')}\``
    default:
      return '…'
  }
}
