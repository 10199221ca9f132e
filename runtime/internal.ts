import { installPlatform } from './platform-node.ts'

installPlatform()

/** What expanded macros import. No user code does. */
export { skip } from './model/skip.ts'
export { traceTemplate } from './template/trace.ts'
export { s } from './tensor/slice.ts'
export { save } from './tracing/save.ts'
export { stop } from './tracing/stop.ts'
export { trace } from './tracing/trace.ts'
