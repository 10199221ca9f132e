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
    .description('a page in the browser to look inside a model and change it')
    .argument('<model>', 'a .onnx file')
    .option(
      '--vocab <file>',
      'texts of token ids: {"chars": […]}, or a tokenizer.json; without it one beside the model',
    )
    .option('--port <number>', 'where to listen; without it a free port', port)
    .option('--open', 'open the page in the browser')
    .option('--json', 'tell the address as JSON, in one line')
  addLoadOptions(command)
    .addHelpText(
      'after',
      `
The page is for this machine alone: it listens on 127.0.0.1, and its address holds a secret. Ctrl-C ends it.

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
    throw new InvalidArgumentError('Give a whole number from 1 to 65535.')
  return value
}
