import { type Command, InvalidArgumentError } from 'commander'
import type { Tensor } from '../../runtime/index.ts'
import { addInputOptions, type InputFlags } from '../inputs/options.ts'
import { inputSources } from '../inputs/sources.ts'
import { outputFormat } from '../outputs/format.ts'
import { addLoadOptions, type LoadFlags, loadOptionsOf } from '../shared/load-options.ts'
import { print, printJson } from '../shared/print.ts'
import { addTemplateOptions, type TemplateFlags, templateText } from '../shared/template-text.ts'

interface Flags extends InputFlags, LoadFlags, TemplateFlags {
  readonly output?: string
  readonly timeLimit?: number
  readonly json?: boolean
}

export function addRun(program: Command): void {
  const command = program
    .command('run')
    .description('run a model, or trace it with a template, and print the results or write them to a file')
    .argument('<model>', 'a .onnx file')
  addTemplateOptions(addInputOptions(command), 'what to read and change')
    .option('--output <file>', 'where to write the results: .json, .npy (one result), .safetensors or .arrow')
    .option('--json', 'show the results as JSON; with --output, show what was written')
  addLoadOptions(command)
    .option('--time-limit <seconds>', 'end a run that takes longer (loading the model does not count)', seconds)
    .addHelpText(
      'after',
      `
Examples:
  onnsight run model.onnx --input 'input_ids=[[18, 47, 56]]'
  onnsight run model.onnx --inputs inputs.safetensors --output logits.npy
  onnsight run model.onnx --input input_ids=ids.npy --template 'save h = transformer.h[1].output[:, -1]'
  onnsight run model.onnx --inputs inputs.json --template-file steer.txt --output steered.safetensors`,
    )
    .action(run)
}

async function run(path: string, flags: Flags): Promise<void> {
  const sources = inputSources(flags)
  const { output } = flags
  const format = output === undefined ? undefined : outputFormat(output)
  const { load, WorkerBackend } = await import('../../runtime/index.ts')
  const { readInputs } = await import('../inputs/read.ts')
  const { checkFormat, checkOnlyOne, encode } = await import('../outputs/encode.ts')
  const { targetOf, writeWhole } = await import('../shared/write-whole.ts')
  const block = await blockOf(flags)
  if (format) await checkFormat(format)
  if (output !== undefined) await targetOf(output)
  const model = await load(path, loadOptionsOf(flags))
  const backend = flags.timeLimit === undefined ? undefined : new WorkerBackend({ timeoutMs: flags.timeLimit * 1000 })
  try {
    if (format === 'npy' && !block)
      checkOnlyOne(
        output!,
        model.signature.outputs.map(({ name }) => name),
      )
    const inputs = await readInputs(model.signature.inputs, sources)
    const options = backend ? { backend } : {}
    const results = block
      ? ((await model.trace(inputs, options, block as never)) as Record<string, Tensor>)
      : await model.run(inputs, options)
    if (output !== undefined) {
      await writeWhole(output, await encode(output, format!, results))
      reportWritten(output, results, flags.json)
    } else await printResults(results, flags.json)
  } finally {
    backend?.release()
    await model.release()
  }
}

async function blockOf(flags: TemplateFlags) {
  const template = await templateText(flags)
  if (!template) return undefined
  const { templateBlock } = await import('./template.ts')
  return templateBlock(template.text, template.name)
}

async function printResults(results: Readonly<Record<string, Tensor>>, json = false): Promise<void> {
  if (json) {
    const { jsonOf } = await import('../outputs/to-json.ts')
    // Print without indentation, which would put every number on its own line.
    print(JSON.stringify(jsonOf(results)))
  } else
    print(
      Object.entries(results)
        .map(([name, tensor]) => `${name} = ${String(tensor)}`)
        .join('\n'),
    )
}

function reportWritten(file: string, results: Readonly<Record<string, Tensor>>, json = false): void {
  const shapes = Object.entries(results).map(([name, { type, dims }]) => [name, { type, dims }] as const)
  if (json) printJson({ version: 1, file, results: Object.fromEntries(shapes) })
  else print(`${file}: ${shapes.map(([name, { type, dims }]) => `${name} ${type} [${dims.join(', ')}]`).join(', ')}`)
}

function seconds(text: string): number {
  const value = Number(text)
  // A timer can't hold more milliseconds.
  if (!(value > 0 && value <= 2_000_000)) throw new InvalidArgumentError('Pass a number of seconds above 0.')
  return value
}
