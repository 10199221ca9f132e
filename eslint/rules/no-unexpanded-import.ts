import type { Rule } from 'eslint'
import { forms, knownForms, plainFunctions } from '../../macro/forms.ts'
import { isMacroRequire, isMacroSource, namesOf } from '../reading/imported-names.ts'
import type { Node } from '../reading/nodes.ts'

const MODULE = 'onnsight/trace.macro'

export const noUnexpandedImport: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: `disallow uses of ${MODULE} that its Babel macro can't expand`, recommended: true },
    schema: [],
    messages: {
      namespace: `import * of ${MODULE} can't be expanded. Write import { trace } from '${MODULE}'.`,
      default: `${MODULE} has no default export. Write import { trace } from '${MODULE}'.`,
      string: `A name in quotes is not expanded by babel-plugin-macros. Write import { {{name}} } from '${MODULE}'.`,
      unknown: `${MODULE} has no {{name}}. It has ${knownForms.join(', ')}.`,
      plain: "{{name}} is no macro. Write import { {{name}} } from 'onnsight'.",
      reexport: `A macro can't be exported again. Import it from '${MODULE}' in each file.`,
      dynamic: `import() of ${MODULE} is not expanded. Write import { trace } from '${MODULE}' at the top of the file.`,
      require: `Only const { trace } = require('${MODULE}') is expanded.`,
      value: '{{name}} is a macro and can only be called: {{usage}}. For a value use model.{{name}}.',
      tag: '{{name}} is a tag: write s`:, -1`.',
    },
  },
  create(context) {
    const source = context.sourceCode
    const checkName = (node: Node, name: string): void => {
      const isPlain = (plainFunctions as readonly string[]).includes(name)
      if (isPlain || !knownForms.includes(name))
        context.report({ node, messageId: isPlain ? 'plain' : 'unknown', data: { name } })
    }
    return {
      ImportDeclaration(declaration) {
        if (!isMacroSource(declaration.source) || isType(declaration)) return
        for (const specifier of declaration.specifiers) {
          if (isType(specifier)) continue
          if (specifier.type === 'ImportNamespaceSpecifier') context.report({ node: specifier, messageId: 'namespace' })
          else if (specifier.type === 'ImportDefaultSpecifier')
            context.report({ node: specifier, messageId: 'default' })
          else if (specifier.imported.type !== 'Identifier')
            context.report({ node: specifier, messageId: 'string', data: { name: String(specifier.imported.value) } })
          else if (specifier.imported.name === 'default') context.report({ node: specifier, messageId: 'default' })
          else checkName(specifier as Node, specifier.imported.name)
        }
      },
      ExportNamedDeclaration(declaration) {
        if (isMacroSource(declaration.source) && !isType(declaration))
          context.report({ node: declaration, messageId: 'reexport' })
      },
      ExportAllDeclaration(declaration) {
        if (isMacroSource(declaration.source) && !isType(declaration))
          context.report({ node: declaration, messageId: 'reexport' })
      },
      ImportExpression(node) {
        if (isMacroSource(node.source)) context.report({ node, messageId: 'dynamic' })
      },
      CallExpression(node) {
        if (!isMacroRequire(node as Node) || source.scopeManager.globalScope?.set.get('require')?.defs.length) return
        const { parent } = node as Node
        const isDestructured =
          parent.type === 'VariableDeclarator' &&
          parent.id.type === 'ObjectPattern' &&
          parent.id.properties.every(
            property =>
              property.type === 'Property' &&
              property.key.type === 'Identifier' &&
              property.value.type === 'Identifier',
          )
        // TypeScript compiles an import to CommonJS like this: `macro_1.trace(…)`.
        const isNamespace =
          parent.type === 'VariableDeclarator' &&
          parent.id.type === 'Identifier' &&
          source.scopeManager
            .getDeclaredVariables(parent)
            .every(({ references }) =>
              references.every(({ identifier, init }) => init || hasMember(identifier as Node)),
            )
        if (!(isDestructured || isNamespace) || parent.parent.parent?.type !== 'Program')
          context.report({ node, messageId: 'require' })
      },
      'Program:exit'() {
        for (const [variable, name] of namesOf(source).macroVariables)
          for (const reference of variable.references) {
            const node = reference.identifier as Node
            if (reference.isWrite() || isInType(node)) continue
            const messageId = misuse(node, name)
            if (messageId) context.report({ node, messageId, data: { name, usage: forms[name]?.usage ?? '' } })
          }
      },
    }
  },
}

/** Whether an identifier is used as in `macro.trace`. */
const hasMember = (node: Node): boolean =>
  node.parent.type === 'MemberExpression' && node.parent.object === node && !node.parent.computed

/** The message for a wrong use of a name of the macro; undefined if the use is right. */
function misuse(node: Node, name: string): 'reexport' | 'value' | 'tag' | undefined {
  const { parent } = node
  if (parent.type === 'ExportSpecifier' || parent.type === 'ExportDefaultDeclaration') return 'reexport'
  if (name === 's') return parent.type === 'TaggedTemplateExpression' && parent.tag === node ? undefined : 'tag'
  if (!Object.hasOwn(forms, name)) return undefined
  const isCalled = parent.type === 'CallExpression' && parent.callee === node
  return isCalled ? undefined : 'value'
}

const isType = (node: object): boolean => {
  const { importKind, exportKind } = node as { importKind?: string; exportKind?: string }
  return importKind === 'type' || exportKind === 'type'
}

/** Whether an identifier is part of a type: `typeof trace`. */
function isInType(node: Node): boolean {
  return /^TS(TypeQuery|QualifiedName)$/.test(node.parent.type as string)
}
