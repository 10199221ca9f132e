import { type Command, InvalidArgumentError } from 'commander'
import { addLoadOptions, type LoadFlags, loadOptionsOf } from '../shared/load-options.ts'

interface Flags extends LoadFlags {
  readonly vocab?: string
  readonly port?: number
  readonly open?: boolean
  readonly json?: boolean
}

export function addView(program: Command): void {
  const command = program
    .command('view')
    .description('open a model in the browser: serve a page that shows what happens inside it and runs edits')
    .argument('<model>', 'a .onnx file')
    .option(
      '--vocab <file>',
      'the vocabulary, to show the text of each token: {"chars": […]}, or a tokenizer.json (default: the one next to the model)',
    )
    .option('--port <number>', 'the port to listen on (default: a free one)', port)
    .option('--open', 'also open the page in the browser')
    .option('--json', 'print the address as JSON, in one line')
  addLoadOptions(command)
    .addHelpText(
      'after',
      `
Only this machine can open the page: the server listens on 127.0.0.1, and the address contains a secret. Ctrl-C ends it.

Examples:
  onnsight view model.onnx --open
  onnsight view model.onnx --vocab tokenizer.json --port 8080`,
    )
    .action(async (path: string, { vocab, port, open, json, ...flags }: Flags) => {
      const { startView } = await import('../../view/server/start.ts')
      await startView(path, loadOptionsOf(flags), {
        ...(vocab === undefined ? {} : { vocab }),
        port: port ?? 0,
        open: open ?? false,
        json: json ?? false,
      })
    })
}

function port(text: string): number {
  const value = Number(text)
  if (!/^\d{1,5}$/.test(text) || value < 1 || value > 65535)
    throw new InvalidArgumentError('Pass a whole number from 1 to 65535.')
  return value
}
