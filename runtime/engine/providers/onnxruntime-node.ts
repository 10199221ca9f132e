import { deserialize, serialize } from 'node:v8'
import type * as Ort from 'onnxruntime-node'
import { MissingPackageError, OtherRealmError } from '../../errors/install.ts'

export type OnnxRuntime = typeof Ort

let loaded: Promise<OnnxRuntime> | undefined

/**
 * onnxruntime-node, which the user installs: taken when the first session is made, so that its absence can be told well.
 * @throws MissingPackageError; OtherRealmError where its arrays would not be the caller's
 */
export function onnxruntime(): Promise<OnnxRuntime> {
  // Native code makes the arrays of Node's own globals, and onnxruntime-node compares them with those that it finds.
  if (!(deserialize(serialize(new Float32Array(0))) instanceof Float32Array))
    return Promise.reject(new OtherRealmError())
  loaded ??= import('onnxruntime-node').catch((cause: unknown) => {
    loaded = undefined
    throw isMissing(cause) ? new MissingPackageError('onnxruntime-node', cause) : cause
  })
  return loaded
}

/** A library of its own that is missing has another code, or another name in its message. */
function isMissing(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string }
  return /^(ERR_)?MODULE_NOT_FOUND$/.test(code ?? '') && /['"]onnxruntime-node['"]/.test(message ?? '')
}
