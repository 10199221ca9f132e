import type { Command } from 'commander'
import type { SaveOptions } from '../../runtime/index.ts'
import { newTemplate } from '../../runtime/tracing/blocks/block.ts'
import { CommandError, UsageError } from '../shared/errors.ts'
import { print, printJson } from '../shared/print.ts'
import { addTemplateOptions, type TemplateFlags, templateText } from '../shared/template-text.ts'
import { weightsOption } from '../shared/weights-option.ts'

interface Flags extends TemplateFlags {
  readonly output: string
  readonly weights: NonNullable<SaveOptions['weights']>
  readonly json?: boolean
}

export function addEdit(program: Command): void {
  const command = program
    .command('edit')
    .description('write an edited model as a plain ONNX file, with the edit in its graph')
    .argument('<model>', 'a .onnx file')
  addTemplateOptions(command, 'what to change')
    .requiredOption('--output <file>', 'the .onnx file to write')
    .addOption(weightsOption())
    .option('--json', 'report what was written as JSON')
    .addHelpText(
      'after',
      `
Examples:
  onnsight edit model.onnx --template 'transformer.h[2].mlp.output = 0' --output edited.onnx
  onnsight edit model.onnx --template-file steer.txt --output steered.onnx --weights external`,
    )
    .action(edit)
}

async function edit(path: string, flags: Flags): Promise<void> {
  const template = await templateText(flags)
  if (!template) throw new UsageError('No edit was passed.', "pass one: --template 'transformer.h[2].mlp.output = 0'")
  const { output, weights } = flags
  const { load } = await import('../../runtime/index.ts')
  const { savingBlock } = await import('../run/template.ts')
  const block = savingBlock(template.text, template.name, () => undefined)
  if (!block.writes)
    throw new CommandError(
      `${template.name} changes nothing: it writes to no value of the model and skips no module.`,
      "write to a value: --template 'transformer.h[2].mlp.output = 0'",
    )
  const model = await load(path)
  try {
    await model.edit({}, newTemplate(block)).save(output, { weights })
  } finally {
    await model.release()
  }
  if (flags.json) printJson({ version: 1, file: output, model: path, weights })
  else print(`${output}: ${path} with its edit`)
}
