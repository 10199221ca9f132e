import { BlockContext, type BlockOwner } from './context.ts'
import { Frame, type FrameVariable } from './frame.ts'
import { Info, type InfoRecord } from './info.ts'
import type { Tracer } from './tracer.ts'

/** Who runs a block once for each step of a generation. */
export interface StepOwner extends BlockOwner {
  /** From 0. */
  readonly step: number
}

/** What is to be recorded in a trace: compiled by the macro, a plain function, or a template. */
export interface Block {
  /** Where its text stands; a plain function's is not known. */
  readonly info: Info | undefined
  /** Records it. `model` is what its parameter gets; in a generation it gets the step too. */
  record(model: unknown, tracer: Tracer, steps?: StepOwner): unknown
}

/** A block in the template language, as `template` gives it: its saved values are its result, by name. */
export interface Template extends Block {
  /** The text. */
  toString(): string
}

/** A block as the macro compiled it. */
export interface CompiledBlock {
  readonly info: InfoRecord
  readonly frame: Readonly<Record<string, FrameVariable>>
  readonly reach?: () => readonly unknown[]
  readonly contended?: () => readonly unknown[]
  readonly body: (context: BlockContext, model: unknown, step?: number) => unknown
}

export function fromCompiled(compiled: CompiledBlock): Block {
  const info = Info.fromRecord(compiled.info, new Frame(compiled.frame, compiled))
  return {
    info,
    record: (model, tracer, steps) => compiled.body(new BlockContext(steps ?? tracer, info), model, steps?.step),
  }
}

export function fromFunction(body: (model: never, step: never) => unknown): Block {
  return { info: undefined, record: (model, _tracer, steps) => body(model as never, steps?.step as never) }
}
