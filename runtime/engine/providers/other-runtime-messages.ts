import type { InferenceSession } from 'onnxruntime-common'
import type { TensorData } from '../../tensor/dtypes/data.ts'

/** A request to the process of another onnxruntime. */
export type OtherRequest =
  | { readonly kind: 'create'; readonly bytes: Uint8Array; readonly options: InferenceSession.SessionOptions }
  | {
      readonly kind: 'run'
      readonly session: number
      readonly feeds: Readonly<Record<string, TensorData>>
      readonly fetches: readonly string[]
    }
  | { readonly kind: 'release'; readonly session: number }
