import { installPlatform } from './platform-node.ts'

installPlatform()

/** What expanded macros import. No user code does. */
export { generateCompiled as generate, generateModel } from './generation/generate.ts'
export { all, iter, next } from './generation/steps.ts'
export { cache } from './model/cache.ts'
export { editCompiled as edit } from './model/edit.ts'
export { scanModel } from './model/scan.ts'
export { skip } from './model/skip.ts'
export { editTemplate, generateTemplate, invokeTemplate, scanTemplate, traceTemplate } from './template/trace.ts'
export { s } from './tensor/slice.ts'
export { barrier, invoke } from './tracing/invoke.ts'
export { assert, print } from './tracing/print.ts'
export { save } from './tracing/save.ts'
export { session } from './tracing/session.ts'
export { stop } from './tracing/stop.ts'
export { scan, trace } from './tracing/trace.ts'
