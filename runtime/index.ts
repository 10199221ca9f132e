import { installPlatform } from './node/platform.ts'

installPlatform()

export * from './api.ts'
export { attach } from './language-model/attach.ts'
export { RemoteBackend, type RemoteOptions } from './remote/backend.ts'
export { LanguageModel } from './remote/language-model.ts'
export { load, type RemoteLoadOptions } from './remote/load.ts'
export { readSafetensors, writeSafetensors } from './tensor-files/safetensors.ts'
export { WorkerBackend, type WorkerOptions } from './worker-process/backend.ts'
