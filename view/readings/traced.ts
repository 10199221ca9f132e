import { printed, savingBlock } from '../../cli/run/template.ts'
import type { Inputs, Model, Tensor, TraceOptions } from '../../runtime/index.ts'
import type { Block } from '../../runtime/tracing/block.ts'

/** Where and how traces run. */
export interface Traced {
  readonly model: Model
  readonly options: TraceOptions
}

/** What a template saves, and prints. */
export interface Changed {
  readonly saved: Readonly<Record<string, Tensor>>
  readonly printed: readonly string[]
}

/** @throws TemplateSyntaxError, before anything is run for it */
export function assertReadable(template: string): void {
  savingBlock(template, TEMPLATE, () => undefined)
}

/** What stands for its file in errors. */
const TEMPLATE = '<template>'

/** A trace with what a template changes, and after that what `read` reads. */
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
      : savingBlock(template, TEMPLATE, (...values) => void lines.push(printed(...values)))
  const block: Block = {
    info: change?.info,
    async record(proxy, tracer) {
      const saved = (await change?.record(proxy, tracer)) ?? {}
      return read(proxy as Model, { saved, printed: lines })
    },
  }
  return (await model.trace(inputs, options, block as never)) as R
}
