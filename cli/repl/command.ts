import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { addInputOptions, type InputFlags } from '../inputs/options.ts'
import { hasSources, inputSources } from '../inputs/sources.ts'
import { addLoadOptions, type LoadFlags, loadOptionsOf } from '../shared/load-options.ts'

interface Flags extends InputFlags, LoadFlags {
  readonly history: boolean
}

export function addRepl(program: Command): void {
  const command = program
    .command('repl')
    .description('open a console on a model, in the template language')
    .argument('<model>', 'a .onnx file')
    .option('--no-history', 'do not save entries to the history file')
  addLoadOptions(addInputOptions(command))
    .addHelpText(
      'after',
      `
Example:
  onnsight repl model.onnx --input 'input_ids=[[1, 2, 3]]'`,
    )
    .action(async (path: string, flags: Flags) => {
      const { load } = await import('../../runtime/index.ts')
      const { runRepl } = await import('./start.ts')
      const { readInputs } = await import('../inputs/read.ts')
      const sources = inputSources(flags)
      const model = await load(path, loadOptionsOf(flags))
      const inputs = hasSources(sources) ? await readInputs(model.signature.inputs, sources) : undefined
      const history = process.env.ONNSIGHT_HISTORY ?? join(homedir(), '.onnsight_history')
      await runRepl(model, {
        ...(inputs === undefined ? {} : { inputs }),
        ...(flags.history && process.stdout.isTTY ? { history } : {}),
      })
      await model.release()
    })
}
