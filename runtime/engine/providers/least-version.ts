import { RuntimeVersionError } from '../../errors/install.ts'

/** The oldest onnxruntime that this version of onnsight supports. Older ones fail with errors that do not name the cause. */
export const LEAST_RUNTIME = '1.29'

interface Runtime {
  readonly env: { readonly versions: { readonly node?: string; readonly web?: string } }
}

/** @throws RuntimeVersionError if the onnxruntime is older than LEAST_RUNTIME */
export function assertRuntimeVersion(name: 'onnxruntime-node' | 'onnxruntime-web', { env }: Runtime): void {
  const version = name === 'onnxruntime-node' ? env.versions.node : env.versions.web
  if (version === undefined) return
  const [[major, minor], [leastMajor, leastMinor]] = [version, LEAST_RUNTIME].map(text => text.split('.').map(Number))
  if (major < leastMajor || (major === leastMajor && minor < leastMinor))
    throw new RuntimeVersionError(name, version, LEAST_RUNTIME)
}
