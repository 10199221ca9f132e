import { TraceArgumentsError } from '../errors/trace.ts'
import { BlockContext } from './context.ts'
import { Frame, type FrameVariable } from './frame.ts'
import { Info, type InfoRecord } from './info.ts'
import { type Traceable, type TraceOptions, Tracer } from './tracer.ts'

/** A block as the macro compiled it. */
export interface CompiledBlock {
  readonly info: InfoRecord
  readonly frame: Readonly<Record<string, FrameVariable>>
  readonly body: (context: BlockContext, model: unknown) => unknown
}

/** A model that can be traced says how, under a name that no module can have. */
export const traceable: unique symbol = Symbol.for('onnsight.traceable') as never

export interface HasTraceable {
  [traceable](): Traceable
}

/** What `trace(model, inputs, options?, () => …)` expands to. */
export async function trace(args: readonly unknown[], block: CompiledBlock): Promise<unknown> {
  const info = Info.fromRecord(block.info, new Frame(block.frame))
  const [model, inputs, options] = args
  const target = asTraceable(model, info)
  const tracer = new Tracer([model, inputs], (options ?? {}) as TraceOptions, undefined, info)
  return tracer.run(target, running => block.body(new BlockContext(running), model))
}

/** @throws TraceArgumentsError for what is no model */
export function asTraceable(model: unknown, info: Info): Traceable {
  const found = (model as Partial<HasTraceable> | null | undefined)?.[traceable]
  if (typeof found === 'function') return (model as HasTraceable)[traceable]()
  const what = model instanceof Promise ? 'a promise' : model === undefined ? 'undefined' : `a ${typeof model}`
  throw new TraceArgumentsError(
    `The first argument of trace() is ${what}, not a model.`,
    model instanceof Promise ? 'await load(…) first' : "pass what `await load('model.onnx')` gives",
    info.position(),
  )
}
