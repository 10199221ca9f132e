import { LanguageModelError } from '../errors/language-model.ts'
import type { ChatMessage } from '../language-inputs/prompt.ts'
import type { Tokenizer } from '../language-inputs/tokenizer.ts'
import { knownOptions } from '../tensor/arguments/known-options.ts'
import { dtypes, type ModelDtype } from './choose-graph.ts'
import type { LanguageModelOptions } from './options.ts'
import type { RenderChat } from './read-language.ts'

/* What onnsight reads of a program of @huggingface/transformers. The package's own types are not imported, so that the package is not needed. */

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
interface AttachedProgram {
  /** The build that it loaded. */
  readonly dtype: ModelDtype | undefined
  /** Where the program runs: 'cpu', 'webgpu', or another device that the library knows. */
  readonly device: string | undefined
  /** Undefined for a model without its tokenizer. */
  readonly tokenizer: Tokenizer | undefined
  readonly renderChat: RenderChat | undefined
}

/** Options of `attach`. */
export interface AttachOptions {
  /** The revision that the program loaded. @default 'main' */
  readonly revision?: string
  /** Where the traces run. @default the program's device, if onnsight has it here */
  readonly device?: 'cpu' | 'cuda' | 'wasm' | 'webgpu'
  /** The path of the graph in the model's folder, if the graph has an unusual name. */
  readonly file?: string
}

type Device = NonNullable<AttachOptions['device']>

/** The options and functions with which the model of a program is loaded, on any platform. */
export interface Attachment {
  readonly load: LanguageModelOptions
  readonly revision: string | undefined
  readonly renderChat: RenderChat | undefined
}

/**
 * Checks the arguments of `attach`, and returns the options with which the program's model is loaded: the same build, with its tokenizer.
 * @param devices the devices that onnsight has here
 * @throws UnknownOptionError; LanguageModelError for anything but a pipeline or a model, and if its name was left out
 */
export function attachment(
  program: unknown,
  name: unknown,
  options: AttachOptions | undefined,
  devices: readonly [Device, ...Device[]],
  warn: (text: string) => void,
): Attachment {
  const { device, file, revision } = knownOptions('attach()', options, ['revision', 'device', 'file'])
  const { dtype, device: own, tokenizer, renderChat } = programOf(program, name)
  const load: LanguageModelOptions = {
    device: deviceFor(device ?? own, devices, warn),
    ...(dtype ? { dtype } : {}),
    ...(tokenizer ? { tokenizer } : {}),
    ...(file ? { file } : {}),
  }
  return { load, revision, renderChat }
}

/** @throws LanguageModelError for anything but a pipeline or a model, and if its name was left out */
function programOf(program: unknown, name: unknown): AttachedProgram {
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
  // If the encoder is a separate graph, the decoder's session comes after it.
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

/** The device for traces: the wanted one if onnsight has it here, else the first one that it has. */
function deviceFor(
  wanted: string | undefined,
  [first, ...others]: readonly [Device, ...Device[]],
  warn: (text: string) => void,
): Device {
  const found = [first, ...others].find(device => device === wanted)
  if (!found && wanted !== undefined)
    warn(`The program runs on ${wanted}, which onnsight does not have here: traces run on ${first}.`)
  return found ?? first
}
