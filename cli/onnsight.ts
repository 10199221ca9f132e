#!/usr/bin/env node
import { readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { Command } from 'commander'
import { type Inputs, load, OnnsightError } from '../runtime/index.ts'
import { describe, inspection } from './inspect.ts'
import { runRepl } from './repl/start.ts'
import { generateTypes, typeName } from './types/generate.ts'

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

program
  .command('inspect')
  .description('the modules of a model, its inputs and outputs, and its blocks')
  .argument('<model>', 'a .onnx file')
  .option('--json', 'as JSON')
  .addHelpText('after', '\nExample:\n  onnsight inspect model.onnx')
  .action(async (path: string, { json }: { json?: boolean }) => {
    const model = await load(path)
    console.log(json ? JSON.stringify(inspection(model), null, 2) : describe(model))
    await model.release()
  })

program
  .command('types')
  .description('write a .d.ts with the modules of a model: completion and type errors for paths')
  .argument('<model>', 'a .onnx file')
  .option('--out <file>', 'where to write it', 'beside the model, MODEL.d.ts')
  .option('--name <type>', 'name of the type', 'the file’s')
  .addHelpText(
    'after',
    "\nThen:\n  import type { Model } from './model.js'\n  const model = await load<Model>('model.onnx')",
  )
  .action(async (path: string, _: unknown, command: Command) => {
    const given = (name: string): string | undefined =>
      command.getOptionValueSource(name) === 'cli' ? (command.getOptionValue(name) as string) : undefined
    const name = given('name') ?? typeName(path)
    const out = given('out') ?? path.replace(/(\.onnx)?$/, '.d.ts')
    const model = await load(path)
    writeFileSync(out, generateTypes(model, name, basename(path)))
    await model.release()
    console.log(`${out}: ${name}, for load<${name}>('${path}')`)
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
