import type { Statement } from '../../language/template/ast.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Block, type BlockTrace, newTemplate, type Template } from '../tracing/blocks/block.ts'
import { Info } from '../tracing/blocks/info.ts'
import { Interpreter } from './interpret.ts'
import { positionIn, readTemplate, showTemplate, type TemplateText } from './source.ts'

/** A template after it was parsed: its statements, and the values of its `${…}`. */
export class TemplateBlock implements Block {
  /** The template's text. Its values are written as `${1}`, `${2}`. */
  readonly info: Info
  readonly #text: TemplateText
  readonly #statements: readonly Statement[]
  readonly #values: readonly unknown[]

  constructor(text: TemplateText, values: readonly unknown[], info: Info, statements: readonly Statement[]) {
    this.#text = text
    this.#values = values
    this.info = info
    this.#statements = statements
  }

  /** Records the block. @returns the saved handles by name */
  record(model: unknown, trace: BlockTrace): Promise<Record<string, Tensor>> {
    const interpreter = new Interpreter({
      model,
      trace,
      holes: this.#values,
      at: place => trace.at(...positionIn(this.#text, place), this.info),
    })
    return interpreter.run(this.#statements)
  }
}

interface Parsed {
  readonly text: TemplateText
  readonly info: Info
  readonly statements: readonly Statement[]
}

const parsed = new WeakMap<TemplateStringsArray, Parsed>()

/**
 * A block in the template language, which needs no macro: ``model.trace(inputs, template`save h = lm_head.output`)``. The values that it saves
 * are the trace's result, by name. The grammar is in docs/template.md.
 * @throws TemplateSyntaxError with the line and column in the template
 */
export function template(strings: TemplateStringsArray, ...values: unknown[]): Template {
  let known = parsed.get(strings)
  if (!known) {
    known = parse(strings.raw)
    parsed.set(strings, known)
  }
  return newTemplate(new TemplateBlock(known.text, values, known.info, known.statements))
}

function parse(raw: readonly string[]): Parsed {
  // In a template literal lines end in \n, but other callers may pass texts whose lines end in \r\n.
  const pieces = raw.map(piece => piece.replace(/\r\n?/g, '\n'))
  const { lines, starts } = showTemplate(pieces)
  const text = { pieces, starts }
  const info = new Info(lines, undefined, 1, undefined, undefined, { context: { firstLine: 1, lines } })
  return { text, info, statements: readTemplate(text, info) }
}
