import type { Command } from 'commander'
import { addInputOptions } from '../inputs/options.ts'
import { addLoadOptions, count, loadOptionsOf } from '../shared/load-options.ts'
import { addTemplateOptions } from '../shared/template-text.ts'
import { axis } from './axes.ts'
import type { SweepFlags } from './flags.ts'

export function addSweep(program: Command): void {
  const command = program
    .command('sweep')
    .description('run an edit and a measure at every point of a grid, and write a table')
    .argument('<model>', 'a .onnx file, or a folder with a model and its tokenizer')
    .requiredOption(
      '--over <name=values>',
      "an axis: 'layer=0..11' or 'strength=0.5,1,2'; repeat it for each axis",
      axis,
    )
  addTemplateOptions(
    addInputOptions(command),
    'what to change and to measure, with {layer} for a value of an axis; each `save` is a column',
  )
    .option('--out <file>', 'the table: .csv, .jsonl, .arrow or .parquet; points that are in it are not run again')
    .option('--retry', 'run points that failed again')
    .option('--queue <url>', 'let workers run it: redis://host:6379')
    .option('--priority <number>', 'with a queue: smaller numbers come first', count)
    .option('--json', 'show the rows as JSON')
  addLoadOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  onnsight sweep chars.onnx --over layer=0..3 --over strength=0,2 --input 'input_ids=[[18, 47, 56, 57]]' \\
    --template 'transformer.h[{layer}].mlp.output *= {strength}; save top = lm_head.output[0, -1].max()' --out mlp.csv
  onnsight sweep model.onnx --over head=0..11 --inputs ids.json --template-file head.txt --out heads.parquet`,
    )
    .action(async (path: string, flags: SweepFlags) => {
      const { runSweep } = await import('./run.ts')
      await runSweep(path, flags, loadOptionsOf(flags))
    })
}
