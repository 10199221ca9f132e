import { installPlatform } from './platform.ts'

installPlatform()

export * from '../api.ts'
export { clearKept, load } from './load.ts'
