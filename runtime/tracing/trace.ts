import { type Block, fromCompiled } from './blocks/block.ts'
import type { CompiledBlock } from './blocks/context.ts'
import { ScanBackend } from './scan.ts'
import { restoringScopes } from './scopes/restoring-scopes.ts'
import { asTraceable } from './traceable.ts'
import { type Backend, ExecutionBackend, newTrace, type TraceOptions } from './tracer.ts'

/** Runs a trace. `trace(model, inputs, options?, () => …)` expands to this. */
export async function trace(args: readonly unknown[], ...block: CompiledBlock): Promise<unknown> {
  return traceBlock('trace', args, fromCompiled(block))
}

/** Scans a block. `scan(model, inputs, options?, () => …)` expands to this. */
export async function scan(args: readonly unknown[], ...block: CompiledBlock): Promise<unknown> {
  return traceBlock('scan', args, fromCompiled(block))
}

const backends: Readonly<Record<'trace' | 'scan', () => Backend>> = {
  trace: () => new ExecutionBackend(),
  scan: () => new ScanBackend(),
}

/** Records and runs a block; `scan` records it only. */
export async function traceBlock(form: 'trace' | 'scan', args: readonly unknown[], block: Block): Promise<unknown> {
  const [model, inputs, options] = args
  const target = asTraceable(model, form, block.info)
  const traceOptions = (options ?? {}) as TraceOptions
  const backend = (form === 'trace' ? traceOptions.backend : undefined) ?? backends[form]()
  const running = newTrace(args.length > 1 ? [model, inputs] : [model], traceOptions, backend, block.info)
  return restoringScopes(() => running.run(target, trace => block.record(model, trace)))
}
