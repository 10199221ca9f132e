import type { Statement } from '../../language/template/ast.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Frame } from '../tracing/frame.ts'
import { Info, type InfoRecord } from '../tracing/info.ts'
import { asTraceable } from '../tracing/trace.ts'
import { type TraceOptions, Tracer } from '../tracing/tracer.ts'
import { readTemplate, type TemplateText } from './source.ts'
import { Template } from './template.ts'

/** A template as the macro found it. */
export interface CompiledTemplate extends TemplateText {
  readonly info: InfoRecord
}

const read = new WeakMap<CompiledTemplate, readonly Statement[]>()

/** What ``trace(model, inputs, options?)`…` `` expands to. */
export async function traceTemplate(
  args: readonly unknown[],
  compiled: CompiledTemplate,
  values: readonly unknown[],
): Promise<Record<string, Tensor>> {
  const info = Info.fromRecord(compiled.info, new Frame({}))
  const [model, inputs, options] = args
  const target = asTraceable(model, info)
  let statements = read.get(compiled)
  if (!statements) {
    statements = readTemplate(compiled, info)
    read.set(compiled, statements)
  }
  const block = new Template(compiled, values, info, statements)
  const tracer = new Tracer([model, inputs], (options ?? {}) as TraceOptions, undefined, info)
  return tracer.run(target, running => block.record(model, running)) as Promise<Record<string, Tensor>>
}
