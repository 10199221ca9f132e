import { joinPrinted, savingBlock } from '../../cli/run/template.ts'
import type { Inputs, Model, Tensor, TraceOptions } from '../../runtime/index.ts'
import type { Block } from '../../runtime/tracing/blocks/block.ts'

/** The model to trace, and the options of the trace. */
export interface TraceTarget {
  readonly model: Model
  readonly options: TraceOptions
}

/** What a template returns: the values that it saves, and the lines that it prints. */
export interface TemplateResult {
  readonly saved: Readonly<Record<string, Tensor>>
  readonly printed: readonly string[]
}

/** Checks a template's syntax before anything runs. @throws TemplateSyntaxError */
export function assertValidTemplate(template: string): void {
  savingBlock(template, TEMPLATE, () => undefined)
}

/** The name that errors show instead of a file. */
export const TEMPLATE = '<template>'

/** Traces a model: applies a template first, if there is one, and then calls `read`. */
export async function traceWithTemplate<R>(
  { model, options }: TraceTarget,
  inputs: Inputs,
  template: string | undefined,
  read: (model: Model, result: TemplateResult) => R | Promise<R>,
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
