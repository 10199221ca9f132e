// The file that babel-plugin-macros resolves. All of the macro is in macro/transform.ts; here is only the wiring.
import { createRequire } from 'node:module'
import { importedBy } from './dist/macro/references.js'
import { transform } from './dist/macro/transform.js'

// Not imported: this file is itself required, and Node 20 then finds packages in node_modules only, where Yarn's Plug'n'Play has none.
const macros = createRequire(import.meta.url)('babel-plugin-macros')

/** Files that are expanded: called for each import, and the first call does all of them. */
const done = new WeakSet()

export default macros.createMacro(({ source, state, babel }) => {
  const { file, filename, cwd } = state
  if (done.has(file)) return
  done.add(file)
  const { MacroError: ErrorClass } = macros
  transform({
    babel,
    program: file.path,
    references: importedBy(file.path, file.code, { source, ErrorClass }).references,
    code: file.code,
    filename,
    cwd: cwd ?? process.cwd(),
    ErrorClass,
  })
})

export * from './dist/macro/unexpanded.js'
