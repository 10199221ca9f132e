import { InferenceSession } from 'onnxruntime-node'

/*
 * For tests that create thousands of small sessions: each has one thread, if it does not ask for more. AVA's workers take all cores, and
 * the threads of many sessions spin while they wait for each other, which costs ten times what the sessions compute.
 */

type Create = (model: Uint8Array, options?: InferenceSession.SessionOptions) => Promise<InferenceSession>

const create = InferenceSession.create as Create
const createWithOneThread: Create = (model, options) =>
  create.call(InferenceSession, model, { intraOpNumThreads: 1, ...options })
Object.assign(InferenceSession, { create: createWithOneThread })
