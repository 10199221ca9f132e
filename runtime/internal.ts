import { installPlatform } from './node/platform.ts'

installPlatform()

/** The module that expanded macros import. User code does not. */
export * from './expanded.ts'
