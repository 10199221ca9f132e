import { relative, sep } from 'node:path'
import { parseSlice, SliceSyntaxError } from '../language/slice.ts'
import type { Babel, Context, NodePath, types } from './babel.ts'
import { failAt } from './code-frame-error.ts'
import { expandBlock } from './expand.ts'
import {
  awaitedForms,
  type Form,
  forms,
  invokeForm,
  knownForms,
  mostArguments,
  plainForms,
  plainFunctions,
} from './forms.ts'
import { member } from './line-marks.ts'
import type { References } from './references.ts'
import { expandTemplate } from './template.ts'
import { pathAtOffset } from './template-position.ts'

export interface TransformOptions {
  readonly babel: Babel
  readonly program: NodePath<types.Program>
  readonly references: References
  readonly code: string
  readonly filename: string | undefined
  readonly cwd: string
  /** The module that the output imports. @default 'onnsight/internal' */
  readonly runtime?: string | undefined
  /** The name of the file in messages. @default its path from `cwd` */
  readonly file?: string | undefined
  /** Whether the text is a cell of a notebook: names that it does not declare are variables of earlier cells. */
  readonly cell?: boolean | undefined
  /** The class of build-time errors. babel-plugin-macros shows errors of its own class best. */
  readonly ErrorClass?: new (
    message: string,
  ) => Error
}

let cells = 0

/** Expands every use of the macro in one file. */
export function transform({
  babel,
  program,
  references: all,
  code,
  filename,
  cwd,
  runtime,
  file,
  cell,
  ErrorClass,
}: TransformOptions): void {
  assertVersion(babel)
  const t = babel.types
  const references = Object.fromEntries(
    Object.entries(all).map(([name, paths]) => [name, paths?.filter(path => !isInType(path))]),
  )
  const used = Object.values(references).some(paths => paths && paths.length > 0)
  if (!used) return
  const cellNumber = cell ? ++cells : undefined
  const uid = (hint: string): types.Identifier =>
    program.scope.generateUidIdentifier(cellNumber === undefined ? hint : `${hint}_cell${cellNumber}_`)
  const context: Context = {
    babel,
    t,
    program,
    lines: code.split(/\r\n|\n|\r/),
    declared: [],
    names: {
      blockContext: program.scope.generateUidIdentifier('block'),
      set: program.scope.generateUidIdentifier('set'),
      value: program.scope.generateUidIdentifier('value'),
      info: uid('info'),
    },
    infos: [],
    file: file ?? (filename === undefined ? undefined : relative(cwd, filename).split(sep).join('/')),
    runtime: program.scope.generateUidIdentifier('onnsight'),
    isCell: cellNumber !== undefined,
    uid,
    crawled: new WeakSet(),
    expanded: new WeakSet(),
    forcedTests: new WeakSet(),
    callScopes: new WeakMap(),
    lateBlocks: lateBlocks(references),
    awaited: new WeakSet(),
    fail: (path, message) => failAt(path, message, ErrorClass),
  }
  for (const [name, paths] of Object.entries(references)) {
    for (const path of paths ?? []) {
      if (name === 'default')
        throw context.fail(path, "The macro has no default export. Write import { trace } from 'onnsight/trace.macro'")
      if ((plainFunctions as readonly string[]).includes(name))
        throw context.fail(path, `${name} is no macro. Write import { ${name} } from 'onnsight'`)
      if (!knownForms.includes(name))
        throw context.fail(path, `onnsight/trace.macro has no ${name}. It has ${knownForms.join(', ')}`)
      if (path.parentPath?.isExportSpecifier())
        throw context.fail(
          path,
          `${name} is a macro and can't be exported: import it from 'onnsight/trace.macro' in each file`,
        )
    }
  }
  for (const name of plainForms) for (const path of references[name] ?? []) checkCount(name, path, context)
  prepareInvokes(references.invoke ?? [], context)
  for (const name of awaitedForms) awaitCalls(references[name] ?? [], references, context)
  for (const path of references.invoke ?? []) {
    const call = path.parentPath
    const tagged = call?.parentPath
    if (call?.isCallExpression() && path.key === 'callee' && call.key === 'tag' && tagged?.isTaggedTemplateExpression())
      expandTemplate(invokeForm, call as NodePath<types.CallExpression>, tagged, context)
  }
  for (const name of plainForms)
    for (const path of (references[name] ?? []).filter(path => !path.removed))
      path.replaceWith(member(context.runtime, name, t))
  for (const path of references.s ?? []) expandSlice(path, context)
  // Inner blocks are expanded first, and an outer block leaves their expansion as it is.
  const calls = Object.values(forms)
    .flatMap(form => (references[form.name] ?? []).map(path => ({ form, call: callOf(path, form, context) })))
    .sort((a, b) => (b.call.node.start ?? 0) - (a.call.node.start ?? 0))
  const outerCalls = new Set<NodePath>()
  for (const { call } of calls)
    for (let at = call.parentPath as NodePath | null; at; at = at.parentPath)
      if (at.isCallExpression()) outerCalls.add(at)
  for (const { form, call } of calls) {
    if (outerCalls.has(call)) program.scope.crawl()
    const tagged = call.parentPath
    if (call.key === 'tag' && tagged?.isTaggedTemplateExpression()) expandTemplate(form, call, tagged, context)
    else expandBlock(form, call, context)
  }
  importRuntime(context, runtime ?? 'onnsight/internal')
}

function assertVersion({ version }: Babel): void {
  if (Number.parseInt(version, 10) >= 7) return
  throw new Error(
    `onnsight/trace.macro needs Babel 7 or 8, and this build uses Babel ${version}.\n` +
      '  Do this: npm install --save-dev @babel/core@latest, and the build tool’s own newest version',
  )
}

/** Whether a reference is in a type, as `typeof trace`, which does not exist at run time. */
const isInType = (path: NodePath): boolean =>
  /^(TSTypeQuery|TSQualifiedName|TypeofTypeAnnotation)$/.test(path.parent.type)

function callOf(reference: NodePath, { name, usage }: Form, { fail }: Context): NodePath<types.CallExpression> {
  const parent = reference.parentPath
  if (!parent?.isCallExpression() || reference.key !== 'callee')
    throw fail(reference, `${name} is a macro and can only be called: ${usage}. For a value use model.${name}`)
  return parent as NodePath<types.CallExpression>
}

/** Refuses surplus arguments, which JavaScript would drop: `save(a, b)` would save only `a`. */
function checkCount(name: string, path: NodePath, { fail }: Context): void {
  const call = path.parentPath
  const most = mostArguments[name]
  if (most === undefined || !call?.isCallExpression() || path.key !== 'callee') return
  const surplus = (call.get('arguments') as NodePath[])[most]
  if (!surplus || call.node.arguments.some(argument => argument.type === 'SpreadElement')) return
  const fix =
    name === 'save'
      ? '. Write save([a, b]), or save() around each'
      : name === 'invoke'
        ? '. Give options to trace()'
        : ''
  throw fail(
    surplus,
    `${name}() takes ${most === 0 ? 'no arguments' : most === 1 ? '1 argument' : `${most} arguments`}, but got more, which would be dropped${fix}`,
  )
}

/**
 * Refuses an invoke inside an invoke, which would have no rows of its own. Turns a block that is an expression into statements, because it
 * runs late and its line must be noted too.
 */
function prepareInvokes(paths: readonly NodePath[], { t, fail }: Context): void {
  const calls = new Set(paths.map(path => path.parent))
  for (const path of paths) {
    const outer = path.parentPath?.findParent(parent => calls.has(parent.node))
    if (outer && path.key === 'callee')
      throw fail(path, 'An invoke can’t stand in the block of another invoke: put them beside each other')
    const block = path.parent.type === 'CallExpression' ? path.parent.arguments.at(-1) : undefined
    if (block?.type !== 'ArrowFunctionExpression' || block.body.type === 'BlockStatement') continue
    const returned = t.returnStatement(block.body)
    returned.loc = block.body.loc ?? null
    block.body = t.blockStatement([returned])
  }
}

function lateBlocks(references: References): Context['lateBlocks'] {
  const found: Context['lateBlocks'] = new WeakMap()
  for (const name of ['invoke', 'iter', 'all'])
    for (const { parent, key } of references[name] ?? []) {
      const block = parent.type === 'CallExpression' && key === 'callee' ? parent.arguments.at(-1) : undefined
      if (block) found.set(block, name === 'invoke' ? undefined : (parent as types.CallExpression))
    }
  return found
}

/** Turns `print(h)` in a block into `await print(h)`. */
function awaitCalls(paths: readonly NodePath[], references: References, { t, fail, lateBlocks }: Context): void {
  const blocks = new Set(
    [...Object.keys(forms), 'invoke'].flatMap(name =>
      (references[name] ?? []).flatMap(({ parent }) =>
        parent.type === 'CallExpression' ? [parent.arguments.at(-1)] : [],
      ),
    ),
  )
  /** Whether a function is a block of iter() or all() that can be waited for. If so, its call is awaited too. */
  const waitsLate = (fn: NodePath): boolean => {
    const call = fn.parentPath
    if (!call?.isCallExpression() || lateBlocks.get(fn.node) !== call.node) return false
    if (call.parentPath.isAwaitExpression()) return true
    const callerFunction = call.getFunctionParent()
    if (
      !callerFunction ||
      !(blocks.has(callerFunction.node as types.Expression) || callerFunction.node.async || waitsLate(callerFunction))
    )
      return false
    callerFunction.node.async = true
    call.replaceWith(t.awaitExpression(call.node))
    return true
  }
  for (const path of paths) {
    const call = path.parentPath
    if (!call?.isCallExpression() || path.key !== 'callee' || call.parentPath.isAwaitExpression()) continue
    const callerFunction = call.getFunctionParent()
    const isBlock = callerFunction !== null && blocks.has(callerFunction.node as types.Expression)
    if (isBlock || (callerFunction && waitsLate(callerFunction))) callerFunction.node.async = true
    else if (!call.findParent(parent => blocks.has(parent.node as types.Expression))) continue
    else if (!callerFunction?.node.async)
      throw fail(call, `${call.toString().split('(')[0]}() runs the model and waits: make the function around it async`)
    call.replaceWith(t.awaitExpression(call.node))
  }
}

function expandSlice(path: NodePath, context: Context): void {
  const parent = path.parentPath
  if (!parent?.isTaggedTemplateExpression() || path.key !== 'tag')
    throw context.fail(path, 's is a tag: write s`:, -1`')
  const { quasis } = parent.node.quasi
  try {
    parseSlice(quasis.map(quasi => quasi.value.raw))
  } catch (error) {
    if (!(error instanceof SliceSyntaxError)) throw error
    throw context.fail(
      pathAtOffset(parent.get('quasi').get('quasis')[error.piece], error.offset),
      `This slice can't be read: ${error.message}`,
    )
  }
  path.replaceWith(member(context.runtime, 's', context.t))
}

const MODULE = /^(Import|Export)/

function importRuntime({ t, program, runtime, isCell, declared, infos, names }: Context, source: string): void {
  if (infos.length > 0) declared.unshift(t.variableDeclarator(t.cloneNode(names.info), t.arrayExpression(infos)))
  // Babel calls every file a module unless it is told otherwise. A file without imports and exports, as TypeScript writes it, is CommonJS.
  const isModule = program.node.sourceType === 'module' && program.node.body.some(({ type }) => MODULE.test(type))
  const load = t.callExpression(t.identifier('require'), [t.stringLiteral(source)])
  const imported = isModule
    ? t.importDeclaration([t.importNamespaceSpecifier(runtime)], t.stringLiteral(source))
    : // In cells this must be `var`, because each cell declares it again.
      t.variableDeclaration(isCell ? 'var' : 'const', [t.variableDeclarator(runtime, load)])
  const head: types.Statement[] = [imported]
  if (declared.length > 0) head.push(t.variableDeclaration('const', declared))
  // Comments at the head of a file are for tools (`@jsx`, `@vitest-environment`) and must stay first.
  const [first] = program.node.body
  if (first?.leadingComments && (first.type === 'ImportDeclaration' || first.type === 'VariableDeclaration')) {
    imported.leadingComments = first.leadingComments
    first.leadingComments = null
  }
  program.unshiftContainer('body', head)
}
