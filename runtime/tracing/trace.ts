import { refuseForeign } from '../errors/copies.ts'
import { TraceArgumentsError } from '../errors/trace.ts'
import { type Backend, ExecutionBackend } from './backend.ts'
import { type Block, type CompiledBlock, fromCompiled } from './block.ts'
import type { Info } from './info.ts'
import { ScanBackend } from './scan.ts'
import { restoringScopes } from './scopes.ts'
import { type HasTraceable, type Traceable, traceable } from './traceable.ts'
import { type TraceOptions, Tracer } from './tracer.ts'

/** What `trace(model, inputs, options?, () => …)` expands to. */
export async function trace(args: readonly unknown[], ...block: CompiledBlock): Promise<unknown> {
  return traceBlock('trace', args, fromCompiled(block))
}

/** What `scan(model, inputs, options?, () => …)` expands to. */
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
  const given = (options ?? {}) as TraceOptions
  const backend = (form === 'trace' ? given.backend : undefined) ?? backends[form]()
  const tracer = new Tracer(args.length > 1 ? [model, inputs] : [model], given, backend, block.info)
  return restoringScopes(() => tracer.run(target, running => block.record(model, running)))
}

/** @throws TraceArgumentsError for what is no model */
export function asTraceable(model: unknown, form: string, info?: Info): Traceable {
  refuseForeign(model)
  const found = (model as Partial<HasTraceable> | null | undefined)?.[traceable]
  if (typeof found === 'function') return (model as HasTraceable)[traceable]()
  const what = model instanceof Promise ? 'a promise' : model === undefined ? 'undefined' : `a ${typeof model}`
  throw new TraceArgumentsError(
    `The first argument of ${form}() is ${what}, not a model.`,
    model instanceof Promise ? 'await load(…) first' : "pass what `await load('model.onnx')` gives",
    info?.position(),
  )
}
