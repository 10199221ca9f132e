import { createRequire } from 'node:module'
import type * as Ort from 'onnxruntime-node'
import { answerRequests } from '../../child-process/answer-requests.ts'
import type { Session } from '../sessions/provider.ts'
import { assertRuntimeVersion } from './least-version.ts'
import { wrapSession } from './ort.ts'
import type { OtherRequest } from './other-runtime-messages.ts'

/* The process that runs sessions of another onnxruntime-node, whose path is its argument. */

const sessions = new Map<number, Session>()
let created = 0

async function answer(request: OtherRequest): Promise<unknown> {
  switch (request.kind) {
    case 'create': {
      const ort = createRequire(import.meta.url)(process.argv[2]) as typeof Ort
      assertRuntimeVersion('onnxruntime-node', ort)
      const session = wrapSession(await ort.InferenceSession.create(request.bytes, request.options), ort.Tensor)
      const number = created++
      sessions.set(number, session)
      return { session: number, outputs: session.outputs }
    }
    case 'run':
      return sessions.get(request.session)!.run(request.feeds, request.fetches)
    case 'release':
      await sessions.get(request.session)?.release()
      sessions.delete(request.session)
      return undefined
  }
}

answerRequests<OtherRequest & { readonly id: number }>(answer)
