import { installPlatform } from './platform.ts'

installPlatform()

/** The module that expanded macros import in a browser. User code does not. */
export * from '../expanded.ts'
