import type { LanguageModel } from './handle.ts'
import type { AttachOptions, TransformersProgram } from './transformers.ts'

/**
 * Opens the model that a program of @huggingface/transformers has loaded, for traces: from the same files, without another download, and with
 * the program's tokenizer. `name` is the name that the pipeline was given. The program's session, and what it holds on a graphics card, can't
 * be shared, because a session runs the graph as a whole. So onnsight opens the same files once more; in Node it maps their weights and
 * does not read them.
 * @throws LanguageModelError if the files are not found
 * @example
 * const generator = await pipeline('text-generation', 'onnx-community/gpt2-ONNX')
 * const model = await attach(generator, 'onnx-community/gpt2-ONNX')
 */
export async function attach(
  program: TransformersProgram,
  name: string,
  options?: AttachOptions,
): Promise<LanguageModel> {
  const { attachHere } = await import('./attach-here.ts')
  return attachHere(program, name, options)
}
