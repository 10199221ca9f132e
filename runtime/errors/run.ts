import { OnnsightError, type SourcePosition } from './error.ts'

export interface RunFailure {
  readonly step: string
  readonly opType?: string
  /** The model's own node that failed. */
  readonly node?: string
  readonly message: string
  readonly at?: SourcePosition | undefined
  readonly cause: unknown
  /** What the user can do, where more is known than which operation failed. */
  readonly fix?: string
}

export class RunError extends OnnsightError {
  static readonly code = 'run'
  constructor({ step, opType, node, message, at, cause, fix }: RunFailure) {
    const where = node ? `the model's node ${node} (${opType})` : opType ? `${opType}, recorded in this trace` : step
    super(RunError.code, `onnxruntime failed in ${where}: ${message}`, {
      at,
      cause,
      fix:
        fix ??
        (node
          ? 'check the inputs, and what the trace wrote upstream of this node'
          : 'check the shapes and dtypes that go into this operation'),
    })
  }
}

export class UseAfterReleaseError extends OnnsightError {
  static readonly code = 'use-after-release'
  constructor(model: string) {
    super(UseAfterReleaseError.code, `The model ${model} was used after release().`, {
      fix: 'load it again, or release it later',
    })
  }
}

export class CudaUnavailableError extends OnnsightError {
  static readonly code = 'cuda-unavailable'
  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(CudaUnavailableError.code, `onnxruntime-node can't use CUDA here: ${reason.split('\n')[0]}`, {
      cause,
      fix: "get the CUDA libraries with `ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install`, or allow the CPU: load(path, { provider: 'cuda', fallback: 'cpu' })",
    })
  }
}
