// The file that babel-plugin-macros resolves. All of the macro is in macro/transform.ts; here is only the wiring.
import { createRequire } from 'node:module'
import { transform } from './dist/macro/transform.js'

// Not imported: this file is itself required, and Node 20 then finds packages in node_modules only, where Yarn's Plug'n'Play has none.
const macros = createRequire(import.meta.url)('babel-plugin-macros')

export default macros.createMacro(({ references, state, babel }) => {
  const { file, filename, cwd } = state
  transform({
    babel,
    program: file.path,
    references,
    code: file.code,
    filename,
    cwd: cwd ?? process.cwd(),
    ErrorClass: macros.MacroError,
  })
})

export * from './dist/macro/unexpanded.js'
