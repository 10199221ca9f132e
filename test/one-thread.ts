import { InferenceSession } from 'onnxruntime-node'

/*
 * For tests that create thousands of small sessions: each session has one thread, unless it asks for more. AVA's workers use all cores, and the
 * threads of many sessions spin while they wait for each other, which takes ten times as long as the sessions' own work.
 */

type Create = (model: Uint8Array, options?: InferenceSession.SessionOptions) => Promise<InferenceSession>

const create = InferenceSession.create as Create
const createWithOneThread: Create = (model, options) =>
  create.call(InferenceSession, model, { intraOpNumThreads: 1, ...options })
Object.assign(InferenceSession, { create: createWithOneThread })
