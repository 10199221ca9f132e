import { LanguageModelError } from '../errors/language-model.ts'
import type { ChatMessage } from '../language-inputs/prompt.ts'
import type { Tokenizer } from '../language-inputs/tokenizer.ts'
import { dtypes, type ModelDtype } from './choose-graph.ts'

/* What onnsight reads of a program of @huggingface/transformers: its objects, not its types, so that the package is not needed. */

interface Session {
  readonly config?: { readonly dtype?: unknown; readonly device?: unknown }
}

interface TransformersModel {
  readonly sessions: Readonly<Record<string, Session>>
}

interface TransformersTokenizer {
  readonly _tokenizer?: Tokenizer
  apply_chat_template?(messages: readonly ChatMessage[], options: object): unknown
}

/** A pipeline, or a model, of @huggingface/transformers. */
export type TransformersProgram = object

/** What `attach` uses of a program that has loaded a model already. */
export interface AttachedProgram {
  /** The build that it loaded. */
  readonly dtype: ModelDtype | undefined
  /** Where it runs: 'cpu', 'webgpu', or what else the library knows. */
  readonly device: string | undefined
  /** Undefined for a model without its tokenizer. */
  readonly tokenizer: Tokenizer | undefined
  readonly renderChat: ((messages: readonly ChatMessage[], addGenerationPrompt: boolean) => string) | undefined
}

/** Options of `attach`. */
export interface AttachOptions {
  /** The revision that the program loaded. @default 'main' */
  readonly revision?: string
  /** Where the traces run, where that is not where the program does. */
  readonly device?: 'cpu' | 'cuda' | 'wasm' | 'webgpu'
  /** The path of the graph in the model's folder, where it has a name of its own. */
  readonly file?: string
}

/** @throws LanguageModelError for anything but a pipeline or a model, and where its name was left out */
export function programOf(program: unknown, name: unknown): AttachedProgram {
  const holder = (program ?? {}) as { readonly model?: unknown; readonly tokenizer?: TransformersTokenizer }
  const model = [holder, holder.model].find(
    (candidate): candidate is TransformersModel =>
      typeof (candidate as Partial<TransformersModel> | undefined)?.sessions === 'object',
  )
  if (!model)
    throw new LanguageModelError(
      'attach() was given no pipeline or model of @huggingface/transformers.',
      "pass what `await pipeline('text-generation', …)` or `await AutoModelForCausalLM.from_pretrained(…)` gives",
    )
  if (typeof name !== 'string' || name === '')
    throw new LanguageModelError(
      'attach() needs the name of the model too: @huggingface/transformers does not keep where its files came from.',
      "pass the name or path that the pipeline was given: attach(generator, 'onnx-community/…')",
    )
  const { tokenizer } = holder
  // The encoder is another graph; the one that texts are read in comes last.
  const session = Object.values(model.sessions).at(-1)
  const { dtype, device } = session?.config ?? {}
  const applies = typeof tokenizer?.apply_chat_template === 'function'
  return {
    dtype: dtypes.find(known => known === dtype),
    device: typeof device === 'string' ? device : undefined,
    tokenizer: tokenizer?._tokenizer,
    renderChat: applies
      ? (messages, addGenerationPrompt) =>
          String(
            tokenizer!.apply_chat_template!(messages, { tokenize: false, add_generation_prompt: addGenerationPrompt }),
          )
      : undefined,
  }
}

/** The device for traces: the program's, if onnsight has it here, else the first one. */
export function deviceFor<D extends string>(
  program: AttachedProgram,
  given: string | undefined,
  known: readonly [D, ...D[]],
  warn: (text: string) => void,
): D {
  const asked = given ?? program.device
  const found = known.find(device => device === asked)
  if (!found && asked !== undefined)
    warn(`The program runs on ${asked}, which onnsight does not have here: traces run on ${known[0]}.`)
  return found ?? known[0]
}
