// The file that babel-plugin-macros resolves. All of the macro is in macro/transform.ts; here is only the wiring.
import macros from 'babel-plugin-macros'
import { notExpanded, transform } from './dist/macro/index.js'

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

export const trace = notExpanded('trace')
export const save = notExpanded('save')
export const stop = notExpanded('stop')
export const s = notExpanded('s')
export const invoke = notExpanded('invoke')
export const skip = notExpanded('skip')
export const edit = notExpanded('edit')
export const generate = notExpanded('generate')
export const scan = notExpanded('scan')
export const session = notExpanded('session')
export const grad = notExpanded('grad')
export const cache = notExpanded('cache')
export const iter = notExpanded('iter')
export const next = notExpanded('next')
export const all = notExpanded('all')
export const barrier = notExpanded('barrier')
export const print = notExpanded('print')
export const assert = notExpanded('assert')
