import { existsSync } from 'node:fs'
import { AnsweringProcess, type ProcessErrors } from '../child-process/answering-process.ts'
import { WorkerError } from '../errors/worker.ts'

/** Whether a process crashed, by its signal, or by its exit code if a shell or container is in between. */
const isCrash = (code: number | null, signal: string | null): boolean =>
  /^SIG(SEGV|ABRT|BUS|ILL|FPE|TRAP)$/.test(signal ?? '') || [132, 133, 134, 135, 136, 139].includes(code ?? 0)
const isKilled = (code: number | null, signal: string | null): boolean => signal === 'SIGKILL' || code === 137

function reasonOf(code: number | null, signal: string | null): string {
  if (isCrash(code, signal))
    return 'onnxruntime, which runs in it, crashed. This process and the model here are as they were.'
  if (isKilled(code, signal)) return 'Something outside ended it: the system does so where memory runs out.'
  return 'This process and the model here are as they were.'
}

function adviceOn(code: number | null, signal: string | null): string {
  const again = 'run the trace again: a new worker is started'
  if (isCrash(code, signal))
    return `${again}. If it crashes again, leave out reads and writes one by one until it does not, and report the one that does it`
  if (isKilled(code, signal))
    return `${again}. If it ends again, look at the memory that is free: fewer rows, fewer values read at once, a smaller sessionBytes`
  return `${again}. If it ends again, look at what it wrote to standard error`
}

const errors: ProcessErrors = {
  notStarted: reason =>
    new WorkerError(`The worker process can’t be started: ${reason}.`, 'check that Node is allowed to start processes'),
  ended: (code, signal) =>
    new WorkerError(
      `The worker process ended (${signal ?? `exit code ${code}`}) before the trace was done. ${reasonOf(code, signal)}`,
      adviceOn(code, signal),
    ),
  notReached: reason =>
    new WorkerError(`The worker can’t be reached: ${reason}.`, 'run the trace again: a new worker is started'),
}

/** A process that runs traces, or a model of a server. @throws WorkerError if its file is not there */
export class Worker extends AnsweringProcess {
  constructor(script: string) {
    if (!existsSync(script))
      throw new WorkerError(
        `The worker’s own file, ${script}, does not exist: onnsight was put into a bundle.`,
        "leave it outside: name 'onnsight' and 'onnsight/internal' as external in the bundler’s configuration",
      )
    super(script, [], errors)
  }
}
