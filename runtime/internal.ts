import { installPlatform } from './platform-node.ts'

installPlatform()

/** What expanded macros import. No user code does. */
export * from './expanded.ts'
