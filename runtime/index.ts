import { installPlatform } from './platform-node.ts'

installPlatform()

export * from './api.ts'
export { readSafetensors, writeSafetensors } from './files/safetensors.ts'
export { load } from './model/load.ts'
export { WorkerBackend, type WorkerOptions } from './worker/backend.ts'
