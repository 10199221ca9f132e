import type { InferenceSession } from 'onnxruntime-common'
import type { NumberedRequest } from './numbered-sessions.ts'

/** A request to the process of another onnxruntime. */
export type OtherRequest =
  | { readonly kind: 'create'; readonly bytes: Uint8Array; readonly options: InferenceSession.SessionOptions }
  | NumberedRequest
