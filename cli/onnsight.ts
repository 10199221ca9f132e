#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { type Inputs, load, OnnsightError } from '../runtime/index.ts'
import { runRepl } from './repl/start.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const program = new Command('onnsight')
  .description('Open any ONNX model, read what happens inside it, and change it.')
  .version(version)

program
  .command('repl')
  .description('a console on a model, in the template language')
  .argument('<model>', 'a .onnx file')
  .option('--inputs <json>', 'inputs of the model: JSON, or a file with it')
  .option('--no-history', 'remember no entries')
  .addHelpText('after', '\nExample:\n  onnsight repl model.onnx --inputs \'{"input_ids": [[1, 2, 3]]}\'')
  .action(async (path: string, options: { inputs?: string; history: boolean }) => {
    const inputs = options.inputs === undefined ? undefined : readInputs(options.inputs)
    const model = await load(path)
    const history = process.env.ONNSIGHT_HISTORY ?? join(homedir(), '.onnsight_history')
    await runRepl(model, {
      ...(inputs === undefined ? {} : { inputs }),
      ...(options.history && process.stdout.isTTY ? { history } : {}),
    })
    await model.release()
  })

function readInputs(given: string): Inputs {
  const text = /^\s*[[{\d]/.test(given) ? given : readFileSync(given, 'utf8')
  return JSON.parse(text) as Inputs
}

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof OnnsightError || error instanceof SyntaxError ? error.message : error)
  process.exitCode = 1
}
