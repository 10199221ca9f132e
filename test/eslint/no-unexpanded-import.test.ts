import test from 'ava'
import { expand } from '../macro/expand.ts'
import { type InvalidCase, runRule } from './testers.ts'

const valid: Record<string, string> = {
  'by name': "import { trace, save as keep } from 'onnsight/trace.macro'\nkeep(trace(m, {}, () => 1))",
  'with its extension': "import { s } from 'onnsight/trace.macro.js'\ns`0`",
  'for its effect': "import 'onnsight/trace.macro'",
  required: "const { trace, s: cut } = require('onnsight/trace.macro')\ntrace(m, {}, () => cut`0`)",
  'required as a whole, and used by name': "const o = require('onnsight/trace.macro')\no.trace(m, {}, () => 1)",
  'forms that are functions as values':
    "import { save, print } from 'onnsight/trace.macro'\n[1].map(save).forEach(print)",
  'a template': "import { trace } from 'onnsight/trace.macro'\ntrace(m, {})`save x = a.output`",
  'other modules':
    "import * as a from 'onnsight'\nimport b from './onnsight/other.macro'\nexport * from 'onnsight'\nawait import('onnsight')\nconst c = require('onnsight')",
  'a variable of the same name': "import { trace } from 'onnsight/trace.macro'\n{ const trace = 1; [trace] }",
}

const typed: Record<string, string> = {
  types:
    "import type * as M from 'onnsight/trace.macro'\nexport type { trace } from 'onnsight/trace.macro'\nlet x: M.Trace",
  'typeof in a type': "import { trace } from 'onnsight/trace.macro'\nlet f: typeof trace",
  'a type among names':
    "import { type TemplateTrace, trace } from 'onnsight/trace.macro'\nlet t: TemplateTrace = trace(m)",
  'import() of a type': "let t: typeof import('onnsight/trace.macro')",
}

const invalid: readonly (InvalidCase & { readonly unseenByMacros?: boolean; readonly stock?: boolean })[] = [
  {
    name: 'import *',
    code: "import * as o from 'onnsight/trace.macro'\no.trace(m, {}, () => 1)",
    errors: ['namespace:1'],
  },
  {
    name: 'a default import',
    code: "import trace from 'onnsight/trace.macro'\ntrace(m, {}, () => 1)",
    errors: ['default:1'],
  },
  {
    name: 'the default by name',
    code: "import { default as t } from 'onnsight/trace.macro'\nt(m, {}, () => 1)",
    errors: ['default:1'],
  },
  // onnsight's own plugin expands this, but babel-plugin-macros does not.
  {
    name: 'a name in quotes',
    code: "import { 'trace' as t } from 'onnsight/trace.macro'\nt(m, {}, () => 1)",
    errors: ['string:1'],
    stock: true,
  },
  {
    name: 'an unknown name',
    code: "import { tarce } from 'onnsight/trace.macro'\ntarce(m, {}, () => 1)",
    errors: ['unknown:1'],
  },
  {
    name: 'a function that is no macro',
    code: "import { grad } from 'onnsight/trace.macro'\ngrad(m)",
    errors: ['plain:1'],
  },
  {
    name: 'export from',
    code: "export { trace } from 'onnsight/trace.macro'",
    errors: ['reexport:1'],
    unseenByMacros: true,
  },
  { name: 'export * from', code: "export * from 'onnsight/trace.macro'", errors: ['reexport:1'], unseenByMacros: true },
  {
    name: 'export * as from',
    code: "export * as o from 'onnsight/trace.macro'",
    errors: ['reexport:1'],
    unseenByMacros: true,
  },
  {
    name: 'exported after an import',
    code: "import { trace } from 'onnsight/trace.macro'\nexport { trace }",
    errors: ['reexport:2'],
  },
  {
    name: 'exported by another name',
    code: "import { save } from 'onnsight/trace.macro'\nexport { save as keep }",
    errors: ['reexport:2'],
  },
  {
    name: 'import()',
    code: "const o = await import('onnsight/trace.macro')",
    errors: ['dynamic:1'],
    unseenByMacros: true,
  },
  {
    name: 'trace as a value',
    code: "import { trace } from 'onnsight/trace.macro'\nconst f = trace\nrun(trace)",
    errors: ['value:2', 'value:3'],
  },
  {
    name: 'session in a list',
    code: "import { session } from 'onnsight/trace.macro'\nconst all = [session]",
    errors: ['value:2'],
  },
  { name: 'trace as a tag', code: "import { trace } from 'onnsight/trace.macro'\ntrace`x`", errors: ['value:2'] },
  {
    name: 's as a value',
    code: "import { s } from 'onnsight/trace.macro'\nconst f = s\ns('0')",
    errors: ['tag:2', 'tag:3'],
  },
  { name: 'required as a whole', code: "const o = require('onnsight/trace.macro')\nf(o)", errors: ['require:1'] },
  {
    name: 'required and taken from',
    code: "const trace = require('onnsight/trace.macro').trace",
    errors: ['require:1'],
    unseenByMacros: true,
  },
  {
    name: 'required with a rest',
    code: "const { trace, ...rest } = require('onnsight/trace.macro')",
    errors: ['require:1'],
  },
]

runRule(
  'no-unexpanded-import',
  [
    ...Object.entries(valid).map(([name, code]) => ({ name, code })),
    ...Object.entries(typed).map(([name, code]) => ({ name, code, typed: true })),
  ],
  invalid,
)

/* The rule against the plugin itself. */

for (const [name, code] of Object.entries({ ...valid, ...typed })) {
  // TypeScript removes these imports.
  if (name === 'types' || name === 'a type among names') continue
  test(`the macro expands it: ${name}`, t => {
    const out = expand(code.replaceAll("'./onnsight/other.macro'", "'./other.js'")).replace(
      /^(const _info = | *info: ).*$/gm,
      '',
    )
    t.notRegex(out, /from ['"]onnsight\/trace\.macro|(?<!typeof )(import|require)\(['"]onnsight\/trace\.macro/)
  })
}

for (const { name, code, unseenByMacros, stock } of invalid) {
  if (stock) continue
  test(unseenByMacros ? `the macro leaves it as it is: ${name}` : `the macro refuses it: ${name}`, t => {
    if (unseenByMacros) t.regex(expand(code), /onnsight\/trace\.macro/)
    else t.throws(() => expand(code))
  })
}
