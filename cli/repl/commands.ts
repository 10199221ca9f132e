import type { Inputs } from '../../runtime/index.ts'
import type { TemplateConsole } from '../../runtime/template/console.ts'
import { summary } from './summary.ts'

/** A command of the console: a line that begins with a dot. */
export interface Command {
  readonly help: string
  /** Returns the text to show. */
  run(console: TemplateConsole, text: string): string | Promise<string>
}

export const commands = {
  inputs: {
    help: 'Set the inputs of the model, as JSON: .inputs {"input_ids": [[1, 2]]}; without JSON, show them',
    run(console, text) {
      if (text !== '') console.inputs = readJson(text)
      return console.inputs === undefined ? 'none yet' : JSON.stringify(console.inputs)
    },
  },
  tree: {
    help: 'Show the modules of the model, or those in one module: .tree transformer.h[0]',
    run: ({ model }, path) => String(path === '' ? model : model.module(path)),
  },
  shapes: {
    help: 'Show the dims and dtypes of every module for these inputs',
    run: async ({ model, inputs }) => String(await model.scan(inputs as Inputs)),
  },
  edit: {
    help: 'Add a standing edit: .edit transformer.h[1].mlp.output = 0',
    run(console, text) {
      console.edit(text)
      return `${console.model.edits.length} in total; .clear removes them`
    },
  },
  edits: {
    help: 'List the standing edits',
    run: ({ model }) => model.edits.map(({ source }) => source).join('\n') || 'none',
  },
  clear: {
    help: 'Remove all standing edits',
    run({ model }) {
      model.clearEdits()
      return 'none left'
    },
  },
  variables: {
    help: 'List the variables',
    run: ({ variables }) => [...variables].map(([name, value]) => `${name}: ${summary(value)}`).join('\n') || 'none',
  },
} as const satisfies Record<string, Command>

function readJson(text: string): Inputs {
  try {
    return JSON.parse(text) as Inputs
  } catch (error) {
    throw new Error(
      `These inputs are not valid JSON: ${(error as Error).message}.\n  Do this: .inputs {"input_ids": [[1, 2, 3]]}`,
    )
  }
}
