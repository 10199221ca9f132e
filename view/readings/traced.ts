import { joinPrinted, savingBlock } from '../../cli/run/template.ts'
import type { Inputs, Model, Tensor, TraceOptions } from '../../runtime/index.ts'
import type { Block } from '../../runtime/tracing/blocks/block.ts'

/** Where and how traces run. */
export interface Traced {
  readonly model: Model
  readonly options: TraceOptions
}

/** The values that a template saves, and the lines that it prints. */
export interface Changed {
  readonly saved: Readonly<Record<string, Tensor>>
  readonly printed: readonly string[]
}

/** @throws TemplateSyntaxError, before anything is run for it */
export function assertReadable(template: string): void {
  savingBlock(template, TEMPLATE, () => undefined)
}

/** The name that errors show instead of a file. */
const TEMPLATE = '<template>'

/** Runs a trace that first applies a template, and then reads with `read`. */
export async function recorded<R>(
  { model, options }: Traced,
  inputs: Inputs,
  template: string | undefined,
  read: (model: Model, changed: Changed) => R | Promise<R>,
): Promise<R> {
  const lines: string[] = []
  const change =
    template === undefined
      ? undefined
      : savingBlock(template, TEMPLATE, (...values) => void lines.push(joinPrinted(...values)))
  const block: Block = {
    info: change?.info,
    async record(proxy, tracer) {
      const saved = (await change?.record(proxy, tracer)) ?? {}
      return read(proxy as Model, { saved, printed: lines })
    },
  }
  return (await model.trace(inputs, options, block as never)) as R
}
