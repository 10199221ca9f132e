import type { Statement } from '../../language/template/ast.ts'
import { edit } from '../model/edit.ts'
import { generate } from '../model/generate.ts'
import { newTemplate } from '../tracing/blocks/block.ts'
import { newFrame } from '../tracing/blocks/frame.ts'
import { decodeInfo, infoFromRecord } from '../tracing/blocks/info.ts'
import { invoke } from '../tracing/invokes/invoke.ts'
import { traceBlock } from '../tracing/trace.ts'
import { readTemplate, type TemplateText } from './source.ts'
import { TemplateBlock } from './template.ts'

/** A template in the form that the macro writes. */
export interface CompiledTemplate extends TemplateText {
  /** The block's text and place, in the form that `encodeBlockText` writes. */
  readonly info: string
}

const read = new WeakMap<CompiledTemplate, readonly Statement[]>()

/** The function that ``trace(model, inputs, options?)`…` `` expands to. */
export async function traceTemplate(args: readonly unknown[], compiled: CompiledTemplate, values: readonly unknown[]) {
  return traceBlock('trace', args, blockOf(compiled, values))
}

/** The function that ``scan(model, inputs, options?)`…` `` expands to. */
export async function scanTemplate(args: readonly unknown[], compiled: CompiledTemplate, values: readonly unknown[]) {
  return traceBlock('scan', args, blockOf(compiled, values))
}

/** The function that ``generate(model, inputs, options)`…` `` expands to. */
export function generateTemplate(args: readonly unknown[], compiled: CompiledTemplate, values: readonly unknown[]) {
  return generate(args, blockOf(compiled, values))
}

/** The function that ``edit(model, options?)`…` `` expands to. */
export function editTemplate(args: readonly unknown[], compiled: CompiledTemplate, values: readonly unknown[]) {
  return edit(args, blockOf(compiled, values))
}

/** The function that ``invoke(inputs)`…` `` expands to. */
export function invokeTemplate([inputs]: readonly unknown[], compiled: CompiledTemplate, values: readonly unknown[]) {
  return invoke(inputs, newTemplate(blockOf(compiled, values)))
}

function blockOf(compiled: CompiledTemplate, values: readonly unknown[]): TemplateBlock {
  const info = infoFromRecord(decodeInfo(compiled.info), newFrame({}))
  let statements = read.get(compiled)
  if (!statements) {
    statements = readTemplate(compiled, info)
    read.set(compiled, statements)
  }
  return new TemplateBlock(compiled, values, info, statements)
}
