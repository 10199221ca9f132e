import type { LanguageModel } from '../language-model/handle.ts'
import type { AttachOptions, TransformersProgram } from '../language-model/transformers.ts'

/**
 * Traces of a model that a program of @huggingface/transformers has loaded: from the files that it keeps in the browser's cache, without
 * another download, with its own tokenizer. `name` is what the pipeline was given. The session itself and what it holds on a graphics card
 * can't be shared, because it runs the graph as a whole: onnsight opens the same files once more. @throws LanguageModelError
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
