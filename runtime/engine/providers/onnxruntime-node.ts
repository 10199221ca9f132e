import { deserialize, serialize } from 'node:v8'
import type * as Ort from 'onnxruntime-node'
import { MissingPackageError, OtherRealmError, RuntimeNotLoadedError } from '../../errors/install.ts'
import { assertRuntimeVersion } from './least-version.ts'

export type OnnxRuntime = typeof Ort

let loaded: Promise<OnnxRuntime> | undefined

/**
 * onnxruntime-node, which the user installs: taken when the first session is made, so that its absence can be told well.
 * @throws MissingPackageError; RuntimeNotLoadedError where it can't be loaded; RuntimeVersionError where it is too old; OtherRealmError where its arrays would not be the caller's
 */
export function onnxruntime(): Promise<OnnxRuntime> {
  // Native code makes the arrays of Node's own globals, and onnxruntime-node compares them with those that it finds.
  if (!(deserialize(serialize(new Float32Array(0))) instanceof Float32Array))
    return Promise.reject(new OtherRealmError())
  loaded ??= find().catch((error: unknown) => {
    loaded = undefined
    throw error
  })
  return loaded
}

async function find(): Promise<OnnxRuntime> {
  const name = 'onnxruntime-node'
  const runtime = await import('onnxruntime-node').catch((cause: unknown) => {
    if (isMissing(cause)) throw new MissingPackageError(name, cause)
    const [reason] = String((cause as Error | undefined)?.message ?? cause).split('\n')
    throw new RuntimeNotLoadedError(name, reason.replace(/\.$/, ''), cause)
  })
  assertRuntimeVersion(name, runtime)
  return runtime
}

/** A library of its own that is missing has another code, or another name in its message. */
function isMissing(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string }
  return /^(ERR_)?MODULE_NOT_FOUND$/.test(code ?? '') && /['"]onnxruntime-node['"]/.test(message ?? '')
}
