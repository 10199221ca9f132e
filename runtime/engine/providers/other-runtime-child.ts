import { createRequire } from 'node:module'
import type * as Ort from 'onnxruntime-node'
import { answerRequests } from '../../child-process/answer-requests.ts'
import { assertRuntimeVersion } from './least-version.ts'
import { NumberedSessions } from './numbered-sessions.ts'
import { wrapSession } from './ort.ts'
import type { OtherRequest } from './other-runtime-messages.ts'

/* The process that runs sessions of another onnxruntime-node, whose path is its argument. */

const sessions = new NumberedSessions()

async function answer(request: OtherRequest): Promise<unknown> {
  if (request.kind !== 'create') return sessions.answer(request)
  const ort = createRequire(import.meta.url)(process.argv[2]) as typeof Ort
  assertRuntimeVersion('onnxruntime-node', ort)
  return sessions.add(wrapSession(await ort.InferenceSession.create(request.bytes, request.options), ort.Tensor))
}

answerRequests<OtherRequest & { readonly id: number }>(answer)
