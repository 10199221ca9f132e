import type { Context, NodePath, types } from './babel.ts'
import { declareParameters, needsCrawl, noteMoved } from './bindings.ts'
import { infoOf } from './block-info.ts'
import { namesIn } from './block-names.ts'
import type { Form } from './forms.ts'
import { member } from './line-marks.ts'
import { type OuterVariables, outerVariables, reachedVariables } from './outer-variables.ts'
import { modelsOf } from './refused-indexing.ts'
import { rewriteBody } from './rewrite-block.ts'
import { updatedObjects } from './updated-objects.ts'

/** Forms that work without a block, with the number of arguments that they then have. */
const plainCalls: Readonly<Record<string, { readonly args: number; readonly name: string }>> = {
  scan: { args: 2, name: 'scanModel' },
  generate: { args: 3, name: 'generateModel' },
}

/** …)` becomes => Turns `trace(model, inputs, () => …)` into a call of the runtime with the compiled block. */
export function expandBlock(form: Form, call: NodePath<types.CallExpression>, context: Context): void {
  const { t, runtime, expanded } = context
  const plain = plainCalls[form.name]
  if (plain && call.node.arguments.length === plain.args && !isFunction(call.node.arguments[plain.args - 1])) {
    call.get('callee').replaceWith(member(runtime, plain.name, t))
    return
  }
  const block = inlineBlock(form, call, context)
  checkParameters(block, context)
  const named = namesIn(block.node, t)
  const variables = outerVariables(block, call, named, context)
  checkVariables(form, variables, block, context)
  const reached = reachedVariables(block, call, named, variables, context)
  const updated = updatedObjects(block, call, named, context)
  const info = infoOf(call, block, variables, context)
  const models = modelsOf(call, block)
  const { blockContext } = context.names
  const fn = block.node
  if (fn.body.type !== 'BlockStatement') {
    const returned = t.returnStatement(fn.body as types.Expression)
    returned.loc = fn.body.loc ?? null
    block.get('body').replaceWith(t.blockStatement([returned]))
    needsCrawl(block, context)
  }
  rewriteBody(block, context, models)

  const contended = updated.length > 0 && waits(fn.body, context) ? updated : []
  const names = variables.local
  const list = (key: string, values: types.Expression[]): types.ObjectProperty[] =>
    values.length > 0
      ? [t.objectProperty(t.identifier(key), t.arrowFunctionExpression([], t.arrayExpression(values)))]
      : []
  const frame = [...names, ...variables.live].map(name => frameVariable(name, context))
  const outer = [
    ...(frame.length > 0 ? [t.objectProperty(t.identifier('frame'), t.objectExpression(frame))] : []),
    ...list('reach', reached),
    ...list('contended', contended),
  ]
  const args = call.node.arguments.slice(0, -1) as types.Expression[]
  const compiled = compileBlock(fn, names, context)
  // The call is changed in place. If it were replaced, every plugin would visit it again.
  call.node.callee = member(runtime, form.name, t)
  call.node.arguments = [
    t.arrayExpression(args),
    infoReference(info, context),
    compiled,
    ...(outer.length > 0 ? [t.objectExpression(outer)] : []),
  ]
  expanded.add(call.node)
  for (const i of args.keys()) noteMoved(call.get(`arguments.0.elements.${i}`) as NodePath, context)
  if (compiled !== fn) return
  // The function node is the same, so Babel does not visit it again.
  const compiledPath = call.get('arguments.2') as NodePath<types.Function>
  if (context.crawled.has(fn)) compiledPath.scope.crawl()
  else declareParameters(compiledPath, blockContext.name, names)
}

function infoReference(info: types.StringLiteral, { t, infos, names }: Context): types.Expression {
  infos.push(info)
  return t.memberExpression(t.cloneNode(names.info), t.numericLiteral(infos.length - 1), true)
}

function waits(body: types.Node, { t }: Context): boolean {
  let found = false
  t.traverseFast(body, node => {
    found ||= node.type === 'AwaitExpression'
  })
  return found
}

/**
 * Compiles the block to a function of the block's context, of the values of the outer variables that it assigns, and of its own parameters.
 */
function compileBlock(
  fn: types.Function,
  names: readonly string[],
  { t, names: { blockContext } }: Context,
): types.ArrowFunctionExpression {
  const body = fn.body as types.BlockStatement
  const keep =
    names.length > 0
      ? [
          t.expressionStatement(
            t.callExpression(member(blockContext, 'keep', t), [
              t.arrowFunctionExpression([], t.arrayExpression(names.map(name => t.identifier(name)))),
            ]),
          ),
        ]
      : []
  const params = [
    t.cloneNode(blockContext),
    ...names.map(name => t.identifier(name)),
    ...(fn.params as types.Identifier[]),
  ]
  if (fn.type === 'ArrowFunctionExpression') {
    body.body.unshift(...keep)
    return Object.assign(fn, { params, async: true, expression: false, returnType: null, typeParameters: null })
  }
  // A function expression has its own `this` and may call itself by its name.
  const own = t.functionExpression((fn as types.FunctionExpression).id ?? null, [], body, false, true)
  const called = t.returnStatement(t.callExpression(own, []))
  return t.arrowFunctionExpression(params, t.blockStatement([...keep, called]), true)
}

/** Builds an accessor of one outer variable, which reads or assigns it from where the call stands. */
function frameVariable(name: string, { t, names: { set, value } }: Context): types.ObjectProperty {
  const assignment = t.assignmentExpression('=', t.identifier(name), t.cloneNode(value))
  const accessor = t.arrowFunctionExpression(
    [t.cloneNode(set), t.cloneNode(value)],
    t.conditionalExpression(t.cloneNode(set), assignment, t.identifier(name)),
  )
  return t.objectProperty(t.identifier(name), accessor)
}

/** Refuses parameters that would mean something else once they belong to the outer function. */
function checkParameters(block: NodePath<types.Function>, { t, fail }: Context): void {
  const names = new Set(block.node.params.flatMap(param => Object.keys(t.getBindingIdentifiers(param))))
  if (block.node.params.length === 0) return
  const isOwn = (path: NodePath): boolean => {
    const owner = path.findParent(parent => parent.isFunction() && !parent.isArrowFunctionExpression())
    return !block.isArrowFunctionExpression() && owner?.node === block.node
  }
  block.traverse({
    VariableDeclaration(path) {
      if (path.node.kind !== 'var' || path.getFunctionParent()?.node !== block.node) return
      const name = Object.keys(t.getBindingIdentifiers(path.node)).find(declared => names.has(declared))
      if (name !== undefined)
        throw fail(path, `${name} is the block's parameter already: give this variable another name`)
    },
    Identifier(path) {
      if (path.node.name === 'arguments' && path.isReferencedIdentifier() && isOwn(path))
        throw fail(path, "arguments of a traced block can’t be captured: use the block's parameter")
    },
  })
}

/** Refuses an edit that assigns outer variables: it runs in each later trace, when these variables may no longer exist. */
function checkVariables(form: Form, { local, live }: OuterVariables, block: NodePath, { fail }: Context): void {
  const [name] = [...local, ...live]
  if (form.name !== 'edit' || name === undefined) return
  throw fail(
    block,
    `An edit runs again in each trace, so it can’t assign ${name}, which is declared outside. Return values from a trace`,
  )
}

const isFunction = (node: types.Node): boolean => /^(Arrow)?FunctionExpression$/.test(node.type)

function inlineBlock(
  { name, usage, most, takes }: Form,
  call: NodePath<types.CallExpression>,
  { fail }: Context,
): NodePath<types.Function> {
  const args = call.get('arguments') as NodePath[]
  const last = args.at(-1)
  if (!last) throw fail(call, `${name}() takes ${takes} and a block: ${usage}`)
  if (!isFunction(last.node)) {
    throw fail(
      last,
      `The block of ${name}() must be written inside the call, because the macro needs its source: ${usage}. To pass a function from elsewhere, use model.${name}`,
    )
  }
  const block = last as NodePath<types.Function>
  if (block.node.generator) throw fail(last, `The block of ${name}() can’t be a generator: use an ordinary function`)
  if (args.length < 2) throw fail(call, `${name}() needs the model before the block: ${usage}`)
  if (args.length > most + 1) throw fail(call, `${name}() takes ${takes} and a block, and no more`)
  if (args.some(arg => arg.isSpreadElement()))
    throw fail(call, `The arguments of ${name}() can’t be spread: write them out`)
  return block
}
