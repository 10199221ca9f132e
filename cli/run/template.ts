import { inspect } from 'node:util'
import { writes } from '../../language/template/ast.ts'
import type { Model, Tensor } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { Interpreter } from '../../runtime/template/interpret.ts'
import { positionIn, readTemplate, showTemplate } from '../../runtime/template/source.ts'
import type { Block, BlockTrace } from '../../runtime/tracing/blocks/block.ts'
import { Info } from '../../runtime/tracing/blocks/info.ts'

/**
 * Makes a block from a text in the template language. The block returns what the text saves; if it saves nothing, it returns the model's
 * outputs as the text changed them. What the text prints goes to stderr. `name` is the name shown in messages.
 * @throws TemplateSyntaxError
 */
export function templateBlock(template: string, name: string): Block {
  const { info, record } = savingBlock(template, name, printToStderr)
  return {
    info,
    record: async (model, trace) => {
      const saved = await record(model, trace)
      return Object.keys(saved).length > 0 ? saved : outputsOf(model as Model)
    },
  }
}

/** A block from a text in the template language that returns only what the text saves. */
export interface SavingBlock {
  readonly info: Info
  /** Whether it writes to values of the model, or skips a module. */
  readonly writes: boolean
  record(model: unknown, trace: BlockTrace): Promise<Record<string, Tensor>>
}

/** Like `templateBlock`, but the block returns only what the text saves, and calls `print` with what it prints. @throws TemplateSyntaxError */
export function savingBlock(template: string, name: string, print: (...values: unknown[]) => void): SavingBlock {
  const text = template.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n')
  const { lines, starts } = showTemplate([text])
  const source = { pieces: [text], starts }
  const info = new Info(lines, undefined, 1, undefined, name, { context: { firstLine: 1, lines } })
  const statements = readTemplate(source, info)
  return {
    info,
    writes: writes(statements),
    record: (model, trace) => {
      const at = (place: Parameters<typeof positionIn>[1]) => trace.at(...positionIn(source, place), info)
      return new Interpreter({ model, trace, holes: [], at, print }).run(statements)
    },
  }
}

/** Joins the values that a template prints into one line of text. */
export const joinPrinted = (...values: unknown[]): string =>
  values.map(value => (typeof value === 'string' ? value : inspect(value))).join(' ')

function printToStderr(...values: unknown[]): void {
  process.stderr.write(`${joinPrinted(...values)}\n`)
}

/** The model's declared outputs, as they are in the current trace. */
export function outputsOf(model: Model): Record<string, Tensor> {
  const { binding } = handleOf(model)!
  const outputTaps = binding.taps.outputTaps(binding.taps.tree.root)
  return Object.fromEntries(
    model.signature.outputs.map(({ name }) => [
      name,
      binding.read(outputTaps.get(name) ?? binding.taps.tensorTap(name)),
    ]),
  )
}
