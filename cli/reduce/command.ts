import type { Command } from 'commander'
import { type Settings, setting } from '../compare/settings.ts'
import { addInputOptions, type InputFlags } from '../inputs/options.ts'
import { inputSources } from '../inputs/sources.ts'
import { UsageError } from '../shared/errors.ts'
import { count } from '../shared/load-options.ts'
import { print } from '../shared/print.ts'
import { share } from './share.ts'

interface Flags extends InputFlags {
  readonly command?: string
  readonly exitCode?: number
  readonly setA?: Settings
  readonly setB?: Settings
  readonly errorAbove: number
  readonly maxTries: number
  readonly timeLimit: number
  readonly tryLimit: number
  readonly output: string
}

export function addReduce(program: Command): void {
  const command = program
    .command('reduce')
    .description('find the smallest part of a model that still fails, for a bug report')
    .argument('<model>', 'a .onnx file')
    .option('--command <line>', "a command that fails: 'node check.js {model} {inputs}'")
    .option('--exit-code <code>', 'the exit code that counts as the failure (default: that of the whole model)', count)
    .option(
      '--set-b <name=value>',
      'or a setting that gives other outputs: optimization, provider, threads, runtime',
      setting,
    )
    .option('--set-a <name=value>', 'the setting to compare with', setting)
    .option('--error-above <share>', 'how much the outputs of the two settings must differ', share, 0.001)
    .requiredOption('--output <folder>', 'a new folder for the model, its inputs, a script and versions')
    .option('--max-tries <count>', 'how many parts to try at most', count, 1000)
    .option('--time-limit <seconds>', 'how long to try at most', count, 600)
    .option('--try-limit <seconds>', 'how long one command may take', count, 60)
  addInputOptions(command)
    .addHelpText(
      'after',
      `
Parts get the values that the rest of the model computed as their inputs. Ctrl-C ends the search, and writes the smallest part so far.
Inputs that you do not pass are generated, as by onnsight profile.

Examples:
  onnsight reduce model.onnx --command 'node crash.js {model} {inputs}' --output fault
  onnsight reduce model.onnx --set-a optimization=disabled --set-b optimization=all --error-above 0.01 --output fault`,
    )
    .action(run)
}

async function run(path: string, flags: Flags): Promise<void> {
  if ((flags.command === undefined) === (!flags.setA && !flags.setB))
    throw new UsageError(
      'It is not clear what fails.',
      "pass either a command, --command 'node check.js {model} {inputs}', or two settings, --set-b optimization=disabled",
    )
  if ([flags.setA, flags.setB].some(settings => settings?.provider === 'wasm' || settings?.provider === 'webgpu'))
    throw new UsageError(
      'reduce can’t run settings in Chromium: the script that it writes runs on onnxruntime-node.',
      "pass a command of your own that opens the model in a browser: --command 'node check.js {model} {inputs}'",
    )
  const sources = inputSources(flags)
  const { reduce } = await import('./reduce.ts')
  const { commandCheck, settingsCheck } = await import('./checks.ts')
  const { assertFree, writeResult } = await import('./result.ts')
  const { readInputs } = await import('../inputs/read.ts')
  const { completeInputs } = await import('../inputs/generate.ts')
  await assertFree(flags.output)
  const { setA = {}, setB = {} } = flags
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort()
  process.once('SIGINT', interrupt)
  let last = 0
  try {
    const found = await reduce({
      path,
      inputsOf: async ({ signature: { inputs } }) =>
        completeInputs(inputs, await readInputs(inputs, sources), new Map()).inputs,
      check:
        flags.command === undefined
          ? settingsCheck(setA, setB, flags.errorAbove)
          : commandCheck(flags.command, flags.exitCode, flags.tryLimit * 1000),
      maxTries: flags.maxTries,
      limitMs: flags.timeLimit * 1000,
      onTry: (tries, nodes) => {
        if (Date.now() - last < 1000) return
        last = Date.now()
        process.stderr.write(`try ${tries}: ${nodes} nodes\n`)
      },
      write: files =>
        writeResult(
          flags.output,
          files,
          flags.command === undefined ? { a: setA, b: setB } : { command: flags.command },
        ),
      signal: interrupted.signal,
    })
    const why = { interrupted: ' It was interrupted.', limit: ' It ended at its limit: it may become smaller.' }
    print(
      `${found.after} of ${found.before} nodes still fail, after ${found.tries} tries: ${found.operators.slice(0, 10).join(', ')}${found.after > 10 ? ', …' : ''}.${found.ended ? why[found.ended] : ''}\nSee ${flags.output}: model.onnx, inputs.json, run.cjs, versions.json.`,
    )
    if (found.ended === 'interrupted') process.exitCode = 130
  } finally {
    process.off('SIGINT', interrupt)
  }
}
