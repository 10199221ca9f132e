import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { LanguageFiles } from '../../runtime/remote/wire.ts'

const NAMES = [
  ...(['tokenizer.json', 'tokenizer_config.json', 'config.json', 'generation_config.json'] as const),
  ...(['chat_template.jinja', 'chat_template.json'] as const),
]

/**
 * The tokenizer of a model and what else its files say about texts. With these, who has none of the weights can ask in texts.
 * @param path where the model was opened
 * @param graph its .onnx file
 */
export async function languageFiles(path: string, graph: string): Promise<LanguageFiles> {
  const vocabulary = `${basename(graph, '.onnx')}.vocab.json`
  const own = dirname(graph)
  const folders = (await stat(path).catch(() => undefined))?.isDirectory() ? [path, own] : [own, dirname(own)]
  const files: Record<string, string> = {}
  for (const name of [vocabulary, ...NAMES])
    for (const folder of folders) {
      const text = await readFile(join(folder, name), 'utf8').catch(() => undefined)
      if (text !== undefined) files[name] ??= text
    }
  // Texts of a model with an encoder need that, and its weights.
  const config = JSON.parse(files['config.json'] ?? '{}') as { readonly is_encoder_decoder?: boolean }
  const tokenizer = [vocabulary, 'tokenizer.json'].find(name => name in files)
  return tokenizer === undefined || config.is_encoder_decoder ? { files: {} } : { tokenizer, files }
}
