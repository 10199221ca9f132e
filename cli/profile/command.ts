import { type Command, InvalidArgumentError, Option } from 'commander'
import { addInputOptions, type InputFlags } from '../inputs/options.ts'
import { inputSources } from '../inputs/sources.ts'
import { addLoadOptions, count, type LoadFlags, loadOptionsOf } from '../shared/load-options.ts'
import { print, printJson } from '../shared/print.ts'
import type { Order } from './describe.ts'

interface Flags extends InputFlags, LoadFlags {
  readonly dim?: ReadonlyMap<string, number>
  readonly runs: number
  readonly depth: number
  readonly sort: Order
  readonly json?: boolean
}

export function addProfile(program: Command): void {
  const command = program
    .command('profile')
    .description('show where the time of a run goes, by module and by operation')
    .argument('<model>', 'a .onnx file')
  addInputOptions(command)
    .option('--dim <name=size>', 'set a dim of the generated inputs; repeat it for each dim', addDim)
    .option('--runs <count>', 'how many runs to measure; one run before them is not measured', count, 10)
    .option('--depth <levels>', 'how many levels of the module tree to show', count, 4)
    .addOption(
      new Option('--sort <order>', 'how to order the modules below one parent')
        .choices(['model', 'time', 'calls'])
        .default('model'),
    )
    .option('--json', 'print JSON, with each node')
  addLoadOptions(command)
    .addHelpText(
      'after',
      `
Inputs that you do not pass are generated: the batch is 1, other open dims are 16; masks are ones, integers zeros, other numbers random.

Examples:
  onnsight profile model.onnx
  onnsight profile model.onnx --dim sequence=512 --dim batch=8 --runs 50 --sort time
  onnsight profile model.onnx --input input_ids=ids.npy --json | jq '.modules[] | select(.percent > 5)'`,
    )
    .action(async (path: string, flags: Flags) => {
      const sources = inputSources(flags)
      const { profileModel } = await import('./profile.ts')
      const { describeProfile } = await import('./describe.ts')
      const { readInputs } = await import('../inputs/read.ts')
      const { completeInputs } = await import('../inputs/generate.ts')
      const profile = await profileModel({
        path,
        options: loadOptionsOf(flags),
        runs: flags.runs,
        inputsOf: async ({ signature: { inputs } }) =>
          completeInputs(inputs, await readInputs(inputs, sources), flags.dim ?? new Map()),
      })
      if (flags.json) printJson(profile)
      else print(describeProfile(profile, flags))
    })
}

function addDim(text: string, before: ReadonlyMap<string, number> = new Map()): ReadonlyMap<string, number> {
  const [, name, size] = /^(.+)=(\d{1,9})$/.exec(text) ?? []
  if (name === undefined) throw new InvalidArgumentError('Pass a name and a whole number: sequence=128.')
  if (before.has(name)) throw new InvalidArgumentError(`${name} is passed twice.`)
  return new Map([...before, [name, Number(size)]])
}
