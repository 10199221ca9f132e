import type { NodePath, PluginObj, types } from '@babel/core'
import test from 'ava'
import plugin from '#dist/macro/plugin.js'
import { babels, IMPORT } from './expand.ts'

/** Blocks whose variables move into calls, into the block's parameters, and out of rewritten code. */
const BLOCKS: Readonly<Record<string, string>> = {
  'operands and keys': '(h) => { a = model.layers[i].output + n; h.set(-n, i === n); return list.filter(check)[i] }',
  'an expression': '() => n',
  'a condition and a loop':
    '() => { if (n > i) a = n; else b += i; for (const k of list) if (k > n) b = k; return a && n }',
  'an assigned operand': '() => (a = n) + b++ * (i || 2)',
  'a lambda in an operand': '() => n + (() => i)()',
  awaits: 'async () => { await n; try { b = await i } finally { a = n } }',
  'a function': 'function (m) { a = n + m }',
}

/** References that no variable knows, or that a variable knows at another place than their own. */
function lost(code: string, version: 7 | 8): string[] {
  const found: string[] = []
  const look = (): PluginObj => ({
    visitor: {
      Program: {
        exit: program =>
          program.traverse({
            ReferencedIdentifier(path: NodePath) {
              const { name } = path.node as types.Identifier
              const binding = path.scope.getBinding(name)
              const isKnown = binding?.referencePaths.some(
                known => known.node === path.node && (known.container as never)?.[known.key as never] === path.node,
              )
              if (binding && !isKnown && name !== '_block') found.push(`${name} in ${path.parentPath}`)
              if (!binding && ['a', 'b', 'i', 'n', 'list', 'check', '_block', 'h'].includes(name))
                found.push(`${name} is declared nowhere, in ${path.parentPath}`)
            },
            'AssignmentExpression|UpdateExpression'(path: NodePath) {
              for (const name of Object.keys(
                (path as { getAssignmentIdentifiers?(): object }).getAssignmentIdentifiers?.() ?? {},
              ))
                if (!path.scope.getBinding(name)?.constantViolations.includes(path))
                  found.push(`${name} is assigned in ${path}`)
            },
          } as never),
      },
    },
  })
  babels[version].transformSync(code, {
    filename: '/project/x.ts',
    configFile: false,
    babelrc: false,
    sourceType: 'module',
    parserOpts: { plugins: ['typescript'] },
    plugins: [plugin, look],
  })
  return found
}

for (const version of [7, 8] as const)
  for (const [name, block] of Object.entries(BLOCKS))
    test(`later plugins find each variable of a block where it stands: ${name}, Babel ${version}`, t => {
      const code = `${IMPORT}export async function f(model, n, i, list, check) {
        let a, b = 1
        await trace(model, n, ${block})
        return [a, b]
      }`
      t.deepEqual(lost(code, version), [])
    })
