import { installPlatform } from './node/platform.ts'

installPlatform()

/** What expanded macros import. No user code does. */
export * from './expanded.ts'
