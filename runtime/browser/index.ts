import { installPlatform } from './platform.ts'

installPlatform()

export * from '../api.ts'
export { attach } from './attach.ts'
export { clearKept } from './fetch.ts'
export { LanguageModel } from './language-model.ts'
export { load } from './load.ts'
