import { installPlatform } from './platform.ts'

installPlatform()

/** What expanded macros import, in a browser. No user code does. */
export * from '../expanded.ts'
