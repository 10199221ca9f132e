import type { ESLint, Linter } from 'eslint'
import { noUnexpandedImport } from './rules/no-unexpanded-import.ts'
import { noUnsavedUse } from './rules/no-unsaved-use.ts'
import { noWriteAfterValue } from './rules/no-write-after-value.ts'
import { requireAwaitTrace } from './rules/require-await-trace.ts'

/** The type of the ESLint plugin. */
export interface OnnsightPlugin extends ESLint.Plugin {
  /** The rules, by name. */
  readonly rules: Record<
    'no-unexpanded-import' | 'no-unsaved-use' | 'no-write-after-value' | 'require-await-trace',
    NonNullable<ESLint.Plugin['rules']>[string]
  >
  /** `recommended` reports the problems of all rules as errors. */
  readonly configs: { readonly recommended: Linter.Config }
}

/** An ESLint plugin with rules for code that traces models. In eslint.config.js: `export default [onnsight.configs.recommended]`. */
const plugin: OnnsightPlugin = {
  meta: { name: 'onnsight' },
  rules: {
    'no-unexpanded-import': noUnexpandedImport,
    'no-unsaved-use': noUnsavedUse,
    'no-write-after-value': noWriteAfterValue,
    'require-await-trace': requireAwaitTrace,
  },
  configs: {
    get recommended() {
      return recommended
    },
  },
}

const recommended: Linter.Config = {
  name: 'onnsight/recommended',
  plugins: { onnsight: plugin },
  rules: Object.fromEntries(Object.keys(plugin.rules).map(name => [`onnsight/${name}`, 'error'])),
}

export default plugin
