import type { Statement } from '../../language/template/parser.ts'
import { MissingInputsError } from '../errors/console.ts'
import { OutsideTraceError } from '../errors/trace.ts'
import type { Inputs } from '../model/loaded/inputs.ts'
import type { Model } from '../model/model.ts'
import { stateOf, Tensor } from '../tensor/tensor.ts'
import { type Block, type BlockTrace, newTemplate } from '../tracing/blocks/block.ts'
import { Info } from '../tracing/blocks/info.ts'
import { traceBlock } from '../tracing/trace.ts'
import { completeTemplate } from './complete.ts'
import { Interpreter, type Setting } from './interpret.ts'
import { positionIn, readTemplate, showTemplate, type TemplateText } from './source.ts'

/** The functions that receive what entries print and the values that their lines have. */
export interface ConsoleOutput extends Pick<Setting, 'print' | 'show'> {
  /** Is called after an entry that has changed nothing, because nothing in it reads what it wrote. */
  readonly unread?: () => void
}

/** An interactive console in the template language. It runs one entry of the user after another, and keeps variables between them. */
export class TemplateConsole {
  readonly model: Model
  /** The inputs on which each entry runs the model. */
  inputs: Inputs | undefined
  readonly variables = new Map<string, unknown>()
  readonly #output: ConsoleOutput
  #entries = 0

  constructor(model: Model, output: ConsoleOutput, inputs?: Inputs) {
    this.model = model
    this.#output = output
    this.inputs = inputs
  }

  /**
   * Runs an entry as one trace. What it writes into the model only affects this entry. The values that it assigns to variables are computed and
   * kept. If the entry fails, the variables stay as they were.
   * @returns the names of the variables that it assigned
   * @throws TemplateSyntaxError, MissingInputsError, and whatever a trace throws
   */
  async run(text: string): Promise<string[]> {
    const { info, source, statements } = this.#read(text, true)
    const variables = new Map(this.variables)
    const block: Block = {
      info,
      record: async (model, trace) => {
        await this.#interpret(model, trace, source, statements, info, variables)
        for (const value of variables.values())
          if (value instanceof Tensor && stateOf(value).recorder) trace.save(value)
      },
    }
    await this.#trace(block)
    const changed = [...variables].filter(([name, value]) => this.variables.get(name) !== value)
    for (const [name, value] of changed)
      this.variables.set(name, value instanceof Tensor ? Tensor.of(stateOf(await value.value()).data()) : value)
    if (onlyWrites(statements)) this.#output.unread?.()
    return changed.map(([name]) => name)
  }

  /** Makes an entry a standing edit of the model, with the present values of the variables. */
  edit(text: string): void {
    const { info, source, statements } = this.#read(text, false)
    const variables = new Map(this.variables)
    const block: Block = {
      info,
      record: (model, trace) => this.#interpret(model, trace, source, statements, info, new Map(variables)),
    }
    this.model.edit({ inplace: true }, newTemplate(block))
  }

  /** Completes the end of the line. Returns the possible words, and the part that they replace. */
  complete(line: string): [words: string[], part: string] {
    return completeTemplate(this.model, this.variables, line)
  }

  async #trace(block: Block): Promise<void> {
    if (this.inputs !== undefined || this.model.signature.inputs.length === 0) {
      await traceBlock('trace', [this.model, this.inputs ?? {}], block)
      return
    }
    try {
      await block.record(this.model, undefined as never)
    } catch (error) {
      throw error instanceof OutsideTraceError ? new MissingInputsError(this.model.signature.inputs) : error
    }
  }

  #interpret(
    model: unknown,
    trace: BlockTrace | undefined,
    source: TemplateText,
    statements: readonly Statement[],
    info: Info,
    variables: Map<string, unknown>,
  ): Promise<unknown> {
    const at: Setting['at'] = place => trace?.at(...positionIn(source, place), info)
    return new Interpreter({
      model,
      ...(trace ? { trace } : {}),
      holes: [],
      at,
      variables,
      ...this.#output,
    }).run(statements)
  }

  #read(text: string, allowValues: boolean) {
    // Users who are used to JavaScript may write `let`, `const` or `var`, which are removed.
    const pieces = [text.replace(/^([^\S\n]*)(let|const|var) (?=[\p{L}_]\w*\s*=)/gmu, '$1')]
    const { lines, starts } = showTemplate(pieces)
    const context = { firstLine: 1, lines }
    const info = new Info(lines, undefined, 1, undefined, `<entry ${++this.#entries}>`, { context })
    const source = { pieces, starts }
    return { info, source, statements: readTemplate(source, info, allowValues) }
  }
}

/** Whether all that an entry does is to write into the model. As a write affects only its own entry, such an entry changes nothing. */
export const onlyWrites = (statements: readonly Statement[]): boolean =>
  statements.length > 0 &&
  statements.every(
    statement =>
      statement.kind === 'skip' ||
      (statement.kind === 'assign' && statement.target.kind !== 'name') ||
      (statement.kind === 'for' && onlyWrites(statement.body)),
  )

/** Whether an entry is not complete yet: a bracket is open, or a `for` is not yet followed by an empty line. */
export function isUnfinished(text: string): boolean {
  const code = text.replace(/(["'])(?:\\.|(?!\1)[^\\\n])*\1|#[^\n]*/g, '')
  const opened = (code.match(/[([]/g) ?? []).length - (code.match(/[)\]]/g) ?? []).length
  if (opened > 0) return true
  return /^[^\S\n]*for\b/m.test(code) && !/\n[^\S\n]*\n?$/.test(text.replace(/\n$/, ''))
}
