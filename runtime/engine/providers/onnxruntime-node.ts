import { deserialize, serialize } from 'node:v8'
import type * as Ort from 'onnxruntime-node'
import { MissingPackageError, OtherRealmError, RuntimeNotLoadedError } from '../../errors/install.ts'
import { assertRuntimeVersion } from './least-version.ts'

export type OnnxRuntime = typeof Ort

let loaded: Promise<OnnxRuntime> | undefined

/**
 * Imports onnxruntime-node, which the user installs, when the first session is created, so that a missing package gets a clear error.
 * @throws MissingPackageError; RuntimeNotLoadedError if it can't be loaded; RuntimeVersionError if it is too old; OtherRealmError if it would reject the caller's arrays
 */
export function onnxruntime(): Promise<OnnxRuntime> {
  // onnxruntime-node accepts only arrays of Node's own globals, which native code creates. In Jest's sandbox, arrays are of other classes.
  if (!(deserialize(serialize(new Float32Array(0))) instanceof Float32Array))
    return Promise.reject(new OtherRealmError())
  loaded ??= importRuntime().catch((error: unknown) => {
    loaded = undefined
    throw error
  })
  return loaded
}

async function importRuntime(): Promise<OnnxRuntime> {
  const name = 'onnxruntime-node'
  const runtime = await import('onnxruntime-node').catch((cause: unknown) => {
    if (isMissing(cause)) throw new MissingPackageError(name, cause)
    const [reason] = String((cause as Error | undefined)?.message ?? cause).split('\n')
    throw new RuntimeNotLoadedError(name, reason.replace(/\.$/, ''), cause)
  })
  assertRuntimeVersion(name, runtime)
  return runtime
}

/** Whether the package itself is missing. For a missing library of the package, the error has another code or names another module. */
function isMissing(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string }
  return /^(ERR_)?MODULE_NOT_FOUND$/.test(code ?? '') && /['"]onnxruntime-node['"]/.test(message ?? '')
}
