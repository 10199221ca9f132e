import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import type { InferenceSession } from 'onnxruntime-common'
import { AnsweringProcess, type ProcessErrors } from '../../child-process/answering-process.ts'
import { scriptBeside } from '../../child-process/script-beside.ts'
import { MissingPackageError } from '../../errors/install.ts'
import { WorkerError } from '../../errors/worker.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import type { Session, SessionModel } from '../sessions/provider.ts'
import type { CreatedSession } from './numbered-sessions.ts'

/** Sessions of another onnxruntime-node. Two versions of its native library can't be in one process, so they are in a child process. */
export interface OtherRuntime {
  create(model: SessionModel, options: InferenceSession.SessionOptions): Promise<Session>
}

/** @throws MissingPackageError if there is no package in the folder */
export function otherRuntime(folder: string): OtherRuntime {
  const entry = entryOf(folder)
  let child: AnsweringProcess | undefined
  const start = (): AnsweringProcess =>
    new AnsweringProcess(scriptBeside(import.meta.url, 'other-runtime-child.js'), [entry], errors)
  let sessions = 0
  return {
    async create({ bytes }, options) {
      if (!child || child.ended) child = start()
      const own = child
      const created = (await own.request({ kind: 'create', bytes, options })) as CreatedSession
      sessions++
      let isReleased = false
      return {
        outputs: created.outputs,
        run: (feeds, fetches) =>
          own.request({ kind: 'run', session: created.session, feeds, fetches }) as Promise<Record<string, TensorData>>,
        async release() {
          if (isReleased || own.ended) return
          isReleased = true
          sessions--
          await own.request({ kind: 'release', session: created.session })
          if (sessions > 0 || child !== own || !own.isIdle) return
          child = undefined
          own.release(failure('process of the other onnxruntime has no sessions any more'))
        },
      }
    },
  }
}

function entryOf(folder: string): string {
  try {
    return createRequire(import.meta.url).resolve(resolve(folder))
  } catch (cause) {
    throw new MissingPackageError(
      `An onnxruntime-node in ${folder}`,
      cause,
      'for the option runtime',
      'npm install onnxruntime-node in a folder of its own, and give the path of node_modules/onnxruntime-node there',
    )
  }
}

const FIX = 'look at what it wrote to standard error, and try node -e "require(\'PATH\')" with its path'
const failure = (what: string): WorkerError => new WorkerError(`The ${what}.`, FIX)
const errors: ProcessErrors = {
  notStarted: reason => failure(`process of the other onnxruntime can’t be started: ${reason}`),
  ended: (code, signal) => failure(`process of the other onnxruntime ended (${signal ?? `exit code ${code}`})`),
  notReached: reason => failure(`other onnxruntime can’t be reached: ${reason}`),
}
