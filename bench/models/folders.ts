import { existsSync, linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ensureExportedDecoder } from './exported.ts'

/** What transformers.js reads of a model's folder beside the graph. */
const CONFIG = {
  model_type: 'gpt2',
  architectures: ['GPT2LMHeadModel'],
  ...{ n_layer: 12, n_head: 12, n_embd: 768, n_positions: 1024, n_ctx: 1024, vocab_size: 50257 },
  activation_function: 'gelu_new',
}

/** The folder of the exported GPT-2 small with a key/value cache, as optimum lays it out. */
export function ensureDecoderFolder(): string {
  const folder = fileURLToPath(new URL('exported-decoder', import.meta.url))
  mkdirSync(`${folder}/onnx`, { recursive: true })
  writeFileSync(`${folder}/config.json`, JSON.stringify(CONFIG))
  // Random weights end a text by chance: no token is an end.
  writeFileSync(`${folder}/generation_config.json`, '{}')
  if (!existsSync(`${folder}/onnx/model.onnx`)) linkSync(ensureExportedDecoder(), `${folder}/onnx/model.onnx`)
  return folder
}
