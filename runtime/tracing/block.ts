import { BlockContext } from './context.ts'
import { Frame, type FrameVariable } from './frame.ts'
import { Info, type InfoRecord } from './info.ts'
import type { Tracer } from './tracer.ts'

/** What is to be recorded in a trace: compiled by the macro, a plain function, or a template. */
export interface Block {
  /** Where its text stands; a plain function's is not known. */
  readonly info: Info | undefined
  /** Records it. `model` is what its parameter gets. */
  record(model: unknown, tracer: Tracer): unknown
}

/** A block as the macro compiled it. */
export interface CompiledBlock {
  readonly info: InfoRecord
  readonly frame: Readonly<Record<string, FrameVariable>>
  readonly body: (context: BlockContext, model: unknown) => unknown
}

export function fromCompiled(compiled: CompiledBlock): Block {
  const info = Info.fromRecord(compiled.info, new Frame(compiled.frame))
  return { info, record: (model, tracer) => compiled.body(new BlockContext(tracer, info), model) }
}

export function fromFunction(body: (model: never) => unknown): Block {
  return { info: undefined, record: model => body(model as never) }
}
