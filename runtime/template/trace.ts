import type { Statement } from '../../language/template/ast.ts'
import { edit } from '../model/edit.ts'
import { generate } from '../model/generate.ts'
import { Frame } from '../tracing/frame.ts'
import { decodeInfo, Info } from '../tracing/info.ts'
import { invoke } from '../tracing/invoke.ts'
import { traceBlock } from '../tracing/trace.ts'
import { readTemplate, type TemplateText } from './source.ts'
import { TemplateBlock } from './template.ts'

/** A template as the macro found it. */
export interface CompiledTemplate extends TemplateText {
  /** As `encodeBlockText` writes it. */
  readonly info: string
}

const read = new WeakMap<CompiledTemplate, readonly Statement[]>()

/** What ``trace(model, inputs, options?)`…` `` expands to. */
export async function traceTemplate(args: readonly unknown[], compiled: CompiledTemplate, values: readonly unknown[]) {
  return traceBlock('trace', args, blockOf(compiled, values))
}

/** What ``scan(model, inputs, options?)`…` `` expands to. */
export async function scanTemplate(args: readonly unknown[], compiled: CompiledTemplate, values: readonly unknown[]) {
  return traceBlock('scan', args, blockOf(compiled, values))
}

/** What ``generate(model, inputs, options)`…` `` expands to. */
export async function generateTemplate(
  args: readonly unknown[],
  compiled: CompiledTemplate,
  values: readonly unknown[],
) {
  return generate(args, blockOf(compiled, values))
}

/** What ``edit(model, options?)`…` `` expands to. */
export function editTemplate(args: readonly unknown[], compiled: CompiledTemplate, values: readonly unknown[]) {
  return edit(args, blockOf(compiled, values))
}

/** What ``invoke(inputs)`…` `` expands to. */
export function invokeTemplate([inputs]: readonly unknown[], compiled: CompiledTemplate, values: readonly unknown[]) {
  return invoke(inputs, blockOf(compiled, values))
}

function blockOf(compiled: CompiledTemplate, values: readonly unknown[]): TemplateBlock {
  const info = Info.fromRecord(decodeInfo(compiled.info), new Frame({}))
  let statements = read.get(compiled)
  if (!statements) {
    statements = readTemplate(compiled, info)
    read.set(compiled, statements)
  }
  return new TemplateBlock(compiled, values, info, statements)
}
