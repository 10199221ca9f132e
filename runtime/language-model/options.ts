import { LoadOptionError } from '../errors/input.ts'
import type { SpecialTokens } from '../language-inputs/language.ts'
import { checkLoadOptions, type LoadOptions, optionNames } from '../model/loaded/load-options.ts'
import { knownOptions } from '../tensor/arguments/known-options.ts'
import { dtypes, type ModelDtype } from './choose-graph.ts'
import type { TokenizerSource } from './read-language.ts'

/** Options of a model of the hub. */
export interface HubAccess {
  /** The revision of the model: a branch, a tag or a commit. @default 'main' */
  readonly revision?: string
  /** An access token of the hub, for private and gated models. @default the environment’s HF_TOKEN */
  readonly token?: string
  /** Whether to use only what is in the hub’s cache. @default true if the environment has HF_HUB_OFFLINE=1 */
  readonly offline?: boolean
  /** Where downloads are kept. @default the hub’s own cache folder: HF_HUB_CACHE, HF_HOME/hub or ~/.cache/huggingface/hub */
  readonly hubCache?: string
  /** The address of the hub. @default the environment’s HF_ENDPOINT, or https://huggingface.co */
  readonly endpoint?: string
}

/** Options of `LanguageModel.load`, beside those of `load`. */
export interface LanguageModelOptions extends LoadOptions, HubAccess {
  /** The build of the model, which the end of a file's name says: `model_q4.onnx` is 'q4'. @default 'fp32', or the only one that there is */
  readonly dtype?: ModelDtype
  /** Where the model runs: another name of `provider`. */
  readonly device?: NonNullable<LoadOptions['provider']>
  /** The path of the graph in the folder, if several graphs could be meant: 'onnx/model.onnx'. */
  readonly file?: string
  /**
   * How the text of a special token in a prompt is read: 'read' makes it that token; 'text' treats it as any other text; 'refuse' throws an
   * error.
   * @default 'read' in texts, as in transformers; 'refuse' in the messages of a chat, which others may have written
   */
  readonly specialTokens?: SpecialTokens
  /** The tokenizer, or the path of its file in the folder. @default tokenizer.json */
  readonly tokenizer?: TokenizerSource
}

/** The names of the options that `load` does not have, as an object so that the type checker finds a missing one. */
const own: Readonly<Record<Exclude<keyof LanguageModelOptions, keyof LoadOptions>, true>> = {
  dtype: true,
  device: true,
  file: true,
  tokenizer: true,
  specialTokens: true,
  revision: true,
  token: true,
  offline: true,
  hubCache: true,
  endpoint: true,
}

/** Checks the options, and returns those that are options of `load`. @throws LoadOptionError, UnknownOptionError */
export function loadOptionsOf(options: LanguageModelOptions, providers: readonly string[]): LoadOptions {
  knownOptions('LanguageModel.load()', options, [...Object.keys(own), ...optionNames])
  const { dtype, device, specialTokens } = options
  const rest: LoadOptions = Object.fromEntries(Object.entries(options).filter(([name]) => !(name in own)))
  if (dtype !== undefined && !dtypes.includes(dtype))
    throw new LoadOptionError(
      `There is no dtype ${JSON.stringify(dtype)}.`,
      `use one of ${dtypes.map(type => `'${type}'`).join(', ')}, or give the path: { file: 'onnx/…' }`,
    )
  if (specialTokens !== undefined && !['read', 'text', 'refuse'].includes(specialTokens))
    throw new LoadOptionError(
      `The option specialTokens is ${JSON.stringify(specialTokens)}.`,
      "give 'read', 'text' or 'refuse'",
    )
  if (device !== undefined && rest.provider !== undefined && device !== rest.provider)
    throw new LoadOptionError(
      `The device is ${JSON.stringify(device)}, and the provider ${JSON.stringify(rest.provider)}.`,
      'give one of the two: they mean the same',
    )
  const plain: LoadOptions = device === undefined ? rest : { ...rest, provider: device }
  checkLoadOptions(plain, providers)
  return plain
}
