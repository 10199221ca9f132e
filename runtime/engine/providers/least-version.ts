import { RuntimeVersionError } from '../../errors/install.ts'

/** The onnxruntime that this version of onnsight is for: earlier ones lack what it asks of them, in ways that look like anything else. */
export const LEAST_RUNTIME = '1.29'

interface Runtime {
  readonly env: { readonly versions: { readonly node?: string; readonly web?: string } }
}

/** @throws RuntimeVersionError where an onnxruntime is older than LEAST_RUNTIME */
export function assertRuntimeVersion(name: 'onnxruntime-node' | 'onnxruntime-web', { env }: Runtime): void {
  const version = name === 'onnxruntime-node' ? env.versions.node : env.versions.web
  if (version === undefined) return
  const [[major, minor], [leastMajor, leastMinor]] = [version, LEAST_RUNTIME].map(text => text.split('.').map(Number))
  if (major < leastMajor || (major === leastMajor && minor < leastMinor))
    throw new RuntimeVersionError(name, version, LEAST_RUNTIME)
}
