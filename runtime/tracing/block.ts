import { BlockContext, type BlockOwner } from './context.ts'
import { Frame, type FrameVariable } from './frame.ts'
import { decodeInfo, Info } from './info.ts'
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

/** How a block uses the scope around it. */
export interface OuterScope {
  readonly frame?: Readonly<Record<string, FrameVariable>>
  readonly reach?: () => readonly unknown[]
  readonly contended?: () => readonly unknown[]
}

/** A block's text, as a function of the context, of what the outer variables hold that it assigns, and of the block's own parameters. */
export type CompiledBody = (context: BlockContext, ...values: unknown[]) => unknown

/** A block as the macro compiled it. The info is as `encodeBlockText` writes it. */
export type CompiledBlock = readonly [info: string, body: CompiledBody, outer?: OuterScope]

export function fromCompiled(compiled: CompiledBlock): Block {
  const info = infoOfCompiled(compiled)
  return {
    info,
    record: (model, tracer, steps) => new BlockContext(steps ?? tracer, info).run(compiled, model, steps?.step),
  }
}

export function infoOfCompiled([info, , outer = {}]: CompiledBlock): Info {
  return Info.fromRecord(decodeInfo(info), new Frame(outer.frame ?? {}, outer))
}

export function fromFunction(body: (model: never, step: never) => unknown): Block {
  return { info: undefined, record: (model, _tracer, steps) => body(model as never, steps?.step as never) }
}
