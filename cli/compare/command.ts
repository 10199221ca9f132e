import { type Command, Option } from 'commander'
import { addLoadOptions, count, type LoadFlags, loadOptionsOf } from '../shared/load-options.ts'
import { print, printJson } from '../shared/print.ts'
import { bound } from './bounds.ts'
import { type Settings, setting } from './settings.ts'

interface Flags extends LoadFlags {
  readonly input?: readonly string[]
  readonly inputs?: string
  readonly texts?: string
  readonly inside?: string
  readonly keepFloat?: number
  readonly interactions?: number
  readonly save?: string
  readonly setA?: Settings
  readonly setB?: Settings
  readonly way?: 'batch' | 'padded' | 'cached'
  readonly json?: boolean
  readonly failAbove?: ReadonlyMap<string, number>
  readonly junit?: string
  readonly html?: string
}

export function addCompare(program: Command): void {
  const command = program
    .command('compare')
    .description('find where two builds of a model part, and which module is to blame')
    .argument('<a>', 'the model that is right: a .onnx file, or a folder with a model and its tokenizer')
    .argument(
      '[b]',
      'the model that answers worse: quantised, converted, optimised; left out for one file in two settings',
    )
    .option(
      '--input <name=value>',
      'one input: a file (.npy, .json, .safetensors) or JSON, ids=[[1, 2]]; repeat it for each input of the model',
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .option('--inputs <path>', 'a file with all inputs of a run (.json, .safetensors), or a folder of such files')
    .option('--texts <file>', 'a file with a text in each line, for models with a tokenizer')
    .option('--inside <module>', 'blame the nodes of this module of A, by its path')
    .option('--keep-float <count>', 'show what it gives to leave so many modules in float', count)
    .option('--interactions <count>', 'show what pairs of so many of the guiltiest modules make together', count)
    .option('--save <file>', 'with --keep-float: write B with these modules of A as a plain ONNX file')
    .option(
      '--set-b <name=value>',
      'a setting of B alone: optimization, provider, threads, runtime; repeat it',
      setting,
    )
    .option('--set-a <name=value>', 'the same for A', setting)
    .addOption(
      new Option(
        '--way <name>',
        'how B gets the inputs: each as a row of a batch, padded, or half of it in the cache',
      ).choices(['batch', 'padded', 'cached']),
    )
    .option(
      '--fail-above <metric=value>',
      'end with exit code 3 if a metric is larger; repeat it for each metric',
      bound,
    )
    .option('--junit <file>', 'write the bounded metrics as a JUnit report')
    .option('--html <file>', 'write a report as a page for the browser')
    .option('--json', 'print JSON, with every module')
  addLoadOptions(command)
    .addHelpText(
      'after',
      `
Inputs that you do not pass are made up, always the same: texts if a tokenizer lies beside the model, else random ids and numbers.
Metrics: kl, loss-change, top1-disagreement, top5-disagreement; relative-error for models that are no language models.
Exit codes: 3 a metric is above its bound, 4 inputs or tokenizers differ, 5 outputs or vocabularies differ, 6 the models are not related,
7 the first model gives NaN.

Examples:
  onnsight compare model.onnx model_int8.onnx
  onnsight compare model.onnx model_q4.onnx --texts prompts.txt --json | jq '.blame[:3]'
  onnsight compare model.onnx model_int8.onnx --keep-float 3 --save mixed.onnx
  onnsight compare model.onnx --set-b optimization=disabled
  onnsight compare model.onnx --set-b runtime=../old/node_modules/onnxruntime-node
  onnsight compare model.onnx --way padded
  onnsight compare model.onnx model_fp16.onnx --fail-above kl=0.001 --junit report.xml`,
    )
    .action(async (a: string, b: string | undefined, flags: Flags) => {
      const { runCompare } = await import('./run.ts')
      const { comparison, exceeded, mixed } = await runCompare(a, b, flags, loadOptionsOf(flags))
      if (flags.json) printJson({ ...comparison, metrics: comparison.metrics })
      else print(String(comparison))
      if (mixed) process.stderr.write(`${mixed}\n`)
      if (exceeded.length === 0) return
      const { BoundError } = await import('./exit-codes.ts')
      throw new BoundError(exceeded)
    })
}
