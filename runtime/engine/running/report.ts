/** One session's part of a trace, and how long it took. */
export interface StepReport {
  /**
   * `shared`: a block as it was loaded. `rebuilt`: a block with an intervention in it. `reused`: not run, because its results were kept.
   * `operations`: recorded operations only.
   */
  readonly kind: 'shared' | 'rebuilt' | 'reused' | 'operations'
  /** The name of the block, or of the blocks that ran together. */
  readonly label: string
  /** The number of ONNX nodes in the session. */
  readonly nodes: number
  /** Milliseconds to create the session; undefined if it already existed. */
  readonly createMs: number | undefined
  /** Milliseconds in onnxruntime's run. */
  readonly runMs: number
}

/** A report of what a trace did. */
export interface TraceReport {
  /** One step for each session that ran, or whose results were reused, in order. */
  readonly steps: readonly StepReport[]
  /** The blocks that did not run, because nothing needed them. */
  readonly skipped: readonly string[]
  /** Whether the plan was cached by an earlier trace of the same kind. */
  readonly planCached: boolean
  /** Milliseconds of the whole trace. */
  readonly totalMs: number
  /** Milliseconds of the total that onnsight itself took, outside of onnxruntime's runs and of creating sessions. */
  readonly ownMs: number
}

/** Returns the report as one line: `3 blocks shared, 1 rebuilt (3.1 ms), 9 reused, 1 skipped · plan hit · 12.3 ms (0.1 ms our own)`. */
export function summarise(report: TraceReport): string {
  const count = (kind: StepReport['kind']): number => report.steps.filter(step => step.kind === kind).length
  const created = report.steps.reduce((sum, step) => sum + (step.createMs ?? 0), 0)
  const parts = [
    [count('shared'), 'shared'],
    [count('rebuilt'), 'rebuilt'],
    [count('operations'), 'of operations alone'],
    [count('reused'), 'reused'],
    [report.skipped.length, 'skipped'],
  ] as const
  const blocks = parts.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`)
  const plan = report.planCached ? 'plan known' : 'plan new'
  const creating = created > 0 ? ` · ${created.toFixed(1)} ms to create sessions` : ''
  return `${blocks.join(', ') || 'nothing to run'} · ${plan}${creating} · ${report.totalMs.toFixed(1)} ms, ${report.ownMs.toFixed(2)} ms of them our own`
}
