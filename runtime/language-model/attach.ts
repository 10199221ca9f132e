import type { LanguageModel } from './handle.ts'
import type { AttachOptions, TransformersProgram } from './transformers.ts'

/**
 * Traces of a model that a program of @huggingface/transformers has loaded: from the files that it loaded, without another download, with its
 * own tokenizer. `name` is what the pipeline was given. The session itself and what it holds on a graphics card can't be shared, because it
 * runs the graph as a whole: onnsight opens the same files once more, and in Node their weights are mapped, not read.
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
