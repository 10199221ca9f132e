// The file that babel-plugin-macros resolves. All of the macro is in macro/transform.ts; here is only the wiring.
import macros from 'babel-plugin-macros'
import { transform } from './dist/macro/transform.js'

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
