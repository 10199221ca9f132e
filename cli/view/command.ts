import { type Command, InvalidArgumentError } from 'commander'
import type { ModelDtype } from '../../runtime/index.ts'
import { CommandError, UsageError } from '../shared/errors.ts'
import { addLoadOptions, type LoadFlags, loadOptionsOf } from '../shared/load-options.ts'

interface Flags extends LoadFlags {
  readonly vocab?: string
  readonly dtype?: ModelDtype
  readonly port?: number
  readonly open?: boolean
  readonly json?: boolean
  readonly save?: string
  readonly text?: string
  readonly beside?: string
}

export function addView(program: Command): void {
  const command = program
    .command('view')
    .description('open a model in the browser: serve a page that shows what happens inside it and runs edits')
    .argument('<model>', 'a .onnx file, a folder with a model and its tokenizer, or a model of the hub: OWNER/NAME')
    .option(
      '--vocab <file>',
      'the vocabulary, to show the text of each token: {"chars": […]}, or a tokenizer.json (default: the one next to the model)',
    )
    .option('--dtype <name>', 'which build of a folder: fp32, fp16, q8, int8, uint8, q4, q4f16 or bnb4')
    .option(
      '--port <number>',
      'the port to listen on (default: the one that the model had the last time, or a free one)',
      port,
    )
    .option('--save <file>', 'write the page as one file of HTML, which others open without onnsight, and end')
    .option('--text <text>', 'with --save: the text that the model runs on (default: an example)')
    .option('--beside <model>', 'a second model, with which the first one is compared: the tab Compare')
    .option('--open', 'also open the page in the browser')
    .option('--json', 'print the address as JSON, in one line')
  addLoadOptions(command)
    .addHelpText(
      'after',
      `
Only this machine can open the page: the server listens on 127.0.0.1, and the address contains a secret. Ctrl-C ends it.

Examples:
  onnsight view model.onnx --open
  onnsight view gpt2-onnx --dtype q4
  onnsight view onnx-community/gpt2-ONNX
  onnsight view model.onnx --beside model_int8.onnx
  onnsight view model.onnx --vocab tokenizer.json --port 8080
  onnsight view gpt2-onnx --save gpt2.html --text 'The Eiffel Tower is in the city of'`,
    )
    .action(async (path: string, { vocab, dtype, port, open, json, save, text, beside, ...flags }: Flags) => {
      const language = { ...(vocab === undefined ? {} : { vocab }), ...(dtype === undefined ? {} : { dtype }) }
      if (save !== undefined) {
        if (beside !== undefined)
          throw new UsageError(
            '--save and --beside can’t be passed together.',
            'leave out --save, and press Save page in the browser when the comparison is done',
          )
        const { saveView } = await import('../../view/server/save.ts')
        await saveView(path, { ...loadOptionsOf(flags), ...language }, { file: save, text, json: json ?? false })
        return
      }
      if (text !== undefined)
        throw new CommandError('--text is for --save.', 'pass --save FILE too, or type the text on the page')
      const { startView } = await import('../../view/server/start.ts')
      await startView(
        path,
        { ...loadOptionsOf(flags), ...language },
        {
          port: port ?? 0,
          open: open ?? false,
          json: json ?? false,
          beside,
        },
      )
    })
}

function port(text: string): number {
  const value = Number(text)
  if (!/^\d{1,5}$/.test(text) || value < 1 || value > 65535)
    throw new InvalidArgumentError('Pass a whole number from 1 to 65535.')
  return value
}
