import { inspect } from 'node:util'
import { writes } from '../../language/template/ast.ts'
import type { Model, Tensor } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { Interpreter } from '../../runtime/template/interpret.ts'
import { positionIn, readTemplate, showTemplate } from '../../runtime/template/source.ts'
import type { Block } from '../../runtime/tracing/block.ts'
import { Info } from '../../runtime/tracing/info.ts'
import type { Tracer } from '../../runtime/tracing/tracer.ts'

/**
 * A block of a text in the template language. It gives what the text saves; of one that saves nothing, the model's outputs as the text
 * changed them. What it prints goes to stderr. `name` is for messages.
 * @throws TemplateSyntaxError
 */
export function templateBlock(given: string, name: string): Block {
  const { info, record } = savingBlock(given, name, printToStderr)
  return {
    info,
    record: async (model, tracer) => {
      const saved = await record(model, tracer)
      return Object.keys(saved).length > 0 ? saved : outputsOf(model as Model)
    },
  }
}

/** What a text in the template language records: it gives what the text saves. */
export interface SavingBlock {
  readonly info: Info
  /** Whether it writes to the model, or leaves a module out. */
  readonly writes: boolean
  record(model: unknown, tracer: Tracer): Promise<Record<string, Tensor>>
}

/** As `templateBlock`, and gives only what the text saves. `print` hears what it prints. @throws TemplateSyntaxError */
export function savingBlock(given: string, name: string, print: (...values: unknown[]) => void): SavingBlock {
  const text = given.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n')
  const { lines, starts } = showTemplate([text])
  const source = { pieces: [text], starts }
  const info = new Info(lines, undefined, 1, undefined, name, { context: { firstLine: 1, lines } })
  const statements = readTemplate(source, info)
  return {
    info,
    writes: writes(statements),
    record: (model, tracer) => {
      const at = (place: Parameters<typeof positionIn>[1]) => tracer.at(...positionIn(source, place), info)
      return new Interpreter({ model, tracer, holes: [], at, print }).run(statements)
    },
  }
}

/** What a template prints, as a line. */
export const printed = (...values: unknown[]): string =>
  values.map(value => (typeof value === 'string' ? value : inspect(value))).join(' ')

function printToStderr(...values: unknown[]): void {
  process.stderr.write(`${printed(...values)}\n`)
}

/** The model's declared outputs, as they leave it in the trace that is current. */
export function outputsOf(model: Model): Record<string, Tensor> {
  const { binding } = handleOf(model)!
  const leaving = binding.taps.outputTaps(binding.taps.tree.root)
  return Object.fromEntries(
    model.signature.outputs.map(({ name }) => [name, binding.read(leaving.get(name) ?? binding.taps.tensorTap(name))]),
  )
}
