import type { LanguageModel } from '../language-model/handle.ts'
import type { AttachOptions, TransformersProgram } from '../language-model/transformers.ts'

/**
 * Opens the model that a program of @huggingface/transformers has loaded, for traces: from the files that it keeps in the browser's cache,
 * without another download, and with the program's tokenizer. `name` is the name that the pipeline was given. The program's session, and what
 * it holds on a graphics card, can't be shared, because a session runs the graph as a whole. So onnsight opens the same files once more.
 * @throws LanguageModelError
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
