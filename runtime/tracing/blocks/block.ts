import type { Mark, Recording, Value } from '../../graph/expression.ts'
import type { Recorder } from '../../graph/recorder.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { BlockContext, type BlockOwner, type CompiledBlock } from './context.ts'
import { newFrame } from './frame.ts'
import { decodeInfo, type Info, infoFromRecord } from './info.ts'

/** The owner of a block that runs once for each step of a generation. */
export interface StepOwner extends BlockOwner {
  /** The number of the step, from 0. */
  readonly step: number
}

/** The part of a trace that its blocks use. */
export interface BlockTrace extends Recorder, BlockOwner {
  /** Notes the place of a template's statement, which runs next. */
  at(line: number, column: number, info?: Info): void
  mark(): Mark | undefined
  /** @throws SaveError for a tensor of another trace */
  save(tensor: Tensor): void
  /** Returns what has been recorded so far. */
  recording(wanted: readonly Value[]): Recording
}

/** A block that a trace can record: compiled by the macro, a plain function, or a template. */
export interface Block {
  /** Where the block's text is; undefined for a plain function. */
  readonly info: Info | undefined
  /** Records the block. Its parameter gets `model`, and in a generation also the step. */
  record(model: unknown, trace: BlockTrace, steps?: StepOwner): unknown
}

export let newTemplate: (block: Block) => Template
let contentOf: (template: Template) => Block

/** A block in the template language, as `template` returns it. Its result is its saved values, by name. */
export class Template {
  readonly #block: Block

  private constructor(block: Block) {
    this.#block = block
  }

  static {
    newTemplate = block => new Template(block)
    contentOf = template => template.#block
  }

  /** Returns the template's text. */
  toString(): string {
    return this.#block.info?.source.join('\n') ?? ''
  }
}

/** Returns the block of a template, or a block that one of the library's own tools has made; undefined for anything else. */
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
