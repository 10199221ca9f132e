import { fileURLToPath } from 'node:url'

/**
 * The path of a file in the folder of the module with this address. It is asked for when a process is started and not on import: a bundler may
 * give a module an address that is no file's. Without `new URL(…, import.meta.url)` bundlers do not copy the file without its imports.
 */
export const scriptBeside = (moduleUrl: string, name: string): string =>
  fileURLToPath(moduleUrl.replace(/[^/]*$/, name))
