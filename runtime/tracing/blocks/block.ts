import type { Mark, Recording, Value } from '../../graph/expression.ts'
import type { Recorder } from '../../graph/recorder.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { BlockContext, type BlockOwner, type CompiledBlock } from './context.ts'
import { newFrame } from './frame.ts'
import { decodeInfo, type Info, infoFromRecord } from './info.ts'

/** Who runs a block once for each step of a generation. */
export interface StepOwner extends BlockOwner {
  /** From 0. */
  readonly step: number
}

/** What blocks use of the trace that they are recorded in. */
export interface BlockTrace extends Recorder, BlockOwner {
  /** A statement of a template begins. */
  at(line: number, column: number, info?: Info): void
  mark(): Mark | undefined
  /** @throws SaveError for a tensor of another trace */
  save(tensor: Tensor): void
  /** What has been recorded up to now. */
  recording(wanted: readonly Value[]): Recording
}

/** What is to be recorded in a trace: compiled by the macro, a plain function, or a template. */
export interface Block {
  /** Where its text stands; a plain function's is not known. */
  readonly info: Info | undefined
  /** Records it. `model` is what its parameter gets; in a generation it gets the step too. */
  record(model: unknown, trace: BlockTrace, steps?: StepOwner): unknown
}

export let newTemplate: (block: Block) => Template
let contentOf: (template: Template) => Block

/** A block in the template language, as `template` gives it: its saved values are its result, by name. */
export class Template {
  readonly #block: Block

  private constructor(block: Block) {
    this.#block = block
  }

  static {
    newTemplate = block => new Template(block)
    contentOf = template => template.#block
  }

  /** The text. */
  toString(): string {
    return this.#block.info?.source.join('\n') ?? ''
  }
}

/** The block of a template; a block that one of the library's own tools made; undefined for anything else. */
export function recordedBlock(value: unknown): Block | undefined {
  if (value instanceof Template) return contentOf(value)
  return typeof (value as Partial<Block> | null | undefined)?.record === 'function' ? (value as Block) : undefined
}

export function fromCompiled(compiled: CompiledBlock): Block {
  const info = infoOfCompiled(compiled)
  return {
    info,
    record: (model, trace, steps) => new BlockContext(steps ?? trace, info).run(compiled, model, steps?.step),
  }
}

export function infoOfCompiled([info, , outer = {}]: CompiledBlock): Info {
  return infoFromRecord(decodeInfo(info), newFrame(outer.frame ?? {}, outer))
}

export function fromFunction(body: (model: never, step: never) => unknown): Block {
  return { info: undefined, record: (model, _trace, steps) => body(model as never, steps?.step as never) }
}
