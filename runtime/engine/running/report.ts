/** What one session's part of a trace was, and what it cost. */
export interface StepReport {
  /** `shared`: the block as loaded. `rebuilt`: with an intervention fused in. `reused`: not run, its results were kept. */
  readonly kind: 'shared' | 'rebuilt' | 'reused' | 'operations'
  /** The name of the block, or of the blocks that ran together. */
  readonly label: string
  /** How many ONNX nodes its session has. */
  readonly nodes: number
  /** Milliseconds to create the session; undefined if it was there. */
  readonly createMs: number | undefined
  /** Milliseconds inside onnxruntime. */
  readonly runMs: number
}

/** What a trace did. */
export interface TraceReport {
  /** One for each session that ran, or was spared, in their order. */
  readonly steps: readonly StepReport[]
  /** Blocks that nothing wanted. */
  readonly skipped: readonly string[]
  /** Whether the plan was known from an earlier trace of the same kind. */
  readonly planCached: boolean
  /** Milliseconds, all together. */
  readonly totalMs: number
  /** Milliseconds of the total that were neither spent in onnxruntime's run nor in creating sessions. */
  readonly ownMs: number
}

/** One line, for people: `3 blocks shared, 1 rebuilt (3.1 ms), 9 reused, 1 skipped · plan hit · 12.3 ms (0.1 ms our own)`. */
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
