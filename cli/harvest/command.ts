import { type Command, InvalidArgumentError, Option } from 'commander'
import { addLoadOptions, count, loadOptionsOf } from '../shared/load-options.ts'
import { addTemplateOptions } from '../shared/template-text.ts'
import type { HarvestFlags } from './flags.ts'

export function addHarvest(program: Command): void {
  const command = program
    .command('harvest')
    .description('run a model on many documents, and store the values of chosen places in shards')
    .argument('<model>', 'a .onnx file, or a folder with a model and its tokenizer')
    .requiredOption('--at <places...>', "the places, by pattern: 'transformer.h.*.output'")
    .requiredOption(
      '--out <folder>',
      'where the shards go, also s3://bucket/prefix; a harvest that was interrupted there goes on',
    )
    .option('--texts <files...>', 'files or folders with texts: .txt (one in each line), .jsonl, .parquet, .arrow')
    .option('--ids <files...>', 'files or folders with token ids: .jsonl, .parquet, .arrow, .safetensors, .npy')
    .option('--tensors <files...>', 'files or folders with inputs of any model: .safetensors, .npy')
    .option('--images <files...>', 'files or folders with images: .jpg, .png, .webp, .tiff')
    .option('--column <name>', 'the field or column of texts or ids (default: text, or input_ids)')
    .option('--take <rows>', "rows of a document: all, first, last, mean, max, whole, or positions: '0,-1'", taken)
    .addOption(new Option('--dtype <name>', 'the dtype of stored values').choices(['float32', 'float16', 'bfloat16']))
    .addOption(new Option('--format <name>', 'the format of shards').choices(['safetensors', 'parquet', 'arrow']))
    .option('--context <tokens>', 'the most tokens that the model sees at once', count)
    .addOption(
      new Option('--long <how>', 'what becomes of longer documents: parts, or only their beginning').choices([
        'split',
        'cut',
      ]),
    )
    .option('--limit <documents>', 'the most documents to read', count)
    .option('--batch-size <tokens>', 'the tokens that run together', count)
    .option('--alone', 'run each document by itself')
    .option('--shard-rows <rows>', 'the least rows of a shard (default: as many as fill 64 MiB)', count)
    .option('--queue <url>', 'let workers run it: redis://host:6379')
    .option('--priority <number>', 'with a queue: smaller numbers come first', count)
  addTemplateOptions(command, 'an edit: values are read after it')
    .option('--statistics', 'show mean, deviation and quantiles when it is done')
    .option('--json', 'report as JSON')
  addLoadOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  onnsight harvest chars.onnx --at 'transformer.h.*.output' --texts verse.txt --out activations
  onnsight harvest model.onnx --at '**.mlp.output' --texts corpus.jsonl --dtype float16 --context 256 --out mlp
  onnsight harvest model.onnx --at 'blocks.*.hook_resid_post' --ids ids.parquet --take last --out last
  onnsight harvest vit/model.onnx --at 'vit.encoder.layer.*.output' --images photos --take mean --out photos-mean`,
    )
    .action(async (path: string, flags: HarvestFlags) => {
      const { runHarvest } = await import('./run.ts')
      await runHarvest(path, flags, loadOptionsOf(flags))
    })
}

function taken(text: string): string | readonly number[] {
  if (/^(all|first|last|mean|max|whole)$/.test(text)) return text
  if (/^-?\d+(,-?\d+)*$/.test(text)) return text.split(',').map(Number)
  throw new InvalidArgumentError("Pass all, first, last, mean, max, whole, or positions: '0,-1'.")
}
