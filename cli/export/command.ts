import { type Command, Option } from 'commander'
import type { SaveOptions } from '../../runtime/index.ts'
import { count } from '../shared/load-options.ts'
import { print, printJson } from '../shared/print.ts'
import { weightsOption } from '../shared/weights-option.ts'

interface Flags {
  readonly output: string
  readonly with?: readonly string[]
  readonly weights: NonNullable<SaveOptions['weights']>
  readonly layout: NonNullable<SaveOptions['layout']>
  readonly name?: string
  readonly modelVersion?: number
  readonly json?: boolean
}

export function addExport(program: Command): void {
  program
    .command('export')
    .description(
      'write a model for other runtimes: with further outputs for chosen places, or as a repository of Triton’s or KServe’s',
    )
    .argument('<model>', 'a .onnx file')
    .requiredOption('--output <path>', 'the .onnx file to write, or the folder of the repository')
    .option(
      '--with <place>',
      'a place whose value becomes an output: model.layers.5.output, or hidden=model.layers.5.output; repeat it',
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .addOption(new Option('--layout <kind>', 'what to write').choices(['file', 'triton', 'kserve']).default('file'))
    .option('--name <name>', 'the model’s name in the repository (default: that of its file)')
    .option('--model-version <number>', 'the number of its version there (default: 1)', count)
    .addOption(weightsOption())
    .option('--json', 'report what was written as JSON')
    .addHelpText(
      'after',
      `
Examples:
  onnsight export model.onnx --with model.layers.5.output --output with-hidden.onnx
  onnsight export model.onnx --with hidden=transformer.h.5.output --layout triton --output models/`,
    )
    .action(exportModel)
}

async function exportModel(path: string, flags: Flags): Promise<void> {
  const { load } = await import('../../runtime/index.ts')
  const places = (flags.with ?? []).map(text => {
    const [, name, place] = /^(?:([^=]+)=)?(.+)$/s.exec(text)!
    return [name ?? place, place] as const
  })
  const outputs = Object.fromEntries(places)
  const model = await load(path)
  try {
    await model.save(flags.output, {
      outputs,
      weights: flags.weights,
      layout: flags.layout,
      ...(flags.name === undefined ? {} : { name: flags.name }),
      ...(flags.modelVersion === undefined ? {} : { version: flags.modelVersion }),
    })
  } finally {
    await model.release()
  }
  if (flags.json) printJson({ version: 1, path: flags.output, model: path, outputs })
  else
    print(
      `${flags.output}: ${path}${places.length > 0 ? ` with the outputs ${places.map(([name]) => name).join(', ')}` : ''}`,
    )
}
