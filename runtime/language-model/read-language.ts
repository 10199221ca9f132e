import { LanguageModelError } from '../errors/language-model.ts'
import {
  Language,
  type LanguageFiles,
  type SpecialTokens,
  type StatesEncoder,
  specialTokenText,
} from '../language-inputs/language.ts'
import type { GenerationConfig, Tokenizer } from '../language-inputs/tokenizer.ts'
import { charactersOf, characterTokenizer } from './character-tokenizer.ts'
import type { ModelFolder } from './folder.ts'

type Json = Readonly<Record<string, unknown>>

/** Writes the text of a chat. */
export type RenderChat = NonNullable<LanguageFiles['renderChat']>

/** A tokenizer, or the path of its file in the folder. */
export type TokenizerSource = Tokenizer | string

/** Options for reading a model's language. */
export interface ReadingOptions {
  readonly tokenizer?: TokenizerSource | undefined
  readonly specialTokens?: SpecialTokens | undefined
  readonly renderChat?: RenderChat | undefined
  readonly encoder?: StatesEncoder | undefined
}

/** Reads a model's tokenizer, configuration and chat template. @throws LanguageModelError for a folder without a tokenizer */
export async function readLanguage(
  folder: ModelFolder,
  { tokenizer: source, specialTokens, renderChat: ownRenderer, encoder }: ReadingOptions,
): Promise<Language> {
  const [config, generationConfig, tokenizerConfig] = await Promise.all(
    ['config.json', 'generation_config.json', 'tokenizer_config.json'].map(name => jsonOf(folder, name)),
  )
  const tokenizers =
    typeof source === 'object' ? { tokenizer: source } : await readTokenizer(folder, source, tokenizerConfig ?? {})
  const renderChat = ownRenderer ?? (await chatRenderer(folder, tokenizerConfig ?? {}))
  return new Language({
    ...tokenizers,
    specialTokens,
    ...(config ? { config } : {}),
    ...(generationConfig ? { generationConfig: generationConfig as GenerationConfig } : {}),
    ...(tokenizerConfig ? { tokenizerConfig } : {}),
    ...(renderChat ? { renderChat } : {}),
    ...(encoder ? { encoder } : {}),
  })
}

async function readTokenizer(
  folder: ModelFolder,
  path = 'tokenizer.json',
  config: Json,
): Promise<Pick<LanguageFiles, 'tokenizer' | 'plainTokenizer'>> {
  const json = await jsonOf(folder, path)
  if (json === undefined)
    throw new LanguageModelError(
      `${folder.name} has no ${path}, so that it can’t turn texts into ids.`,
      'write it with transformers, AutoTokenizer.from_pretrained(…).save_pretrained(folder), pass { tokenizer: … }, or open the file with load()',
    )
  const characters = charactersOf(json)
  if (characters) return { tokenizer: characterTokenizer(characters) }
  // The library is loaded when the first tokenizer is.
  const { Tokenizer: Library } = await import('@huggingface/tokenizers')
  try {
    let plain: Tokenizer | undefined
    return {
      tokenizer: new Library(json, config),
      plainTokenizer: () => {
        plain ??= new Library({ ...json, added_tokens: ordinary(json.added_tokens) }, config)
        return plain as Tokenizer
      },
    }
  } catch (error) {
    throw new LanguageModelError(
      `The tokenizer ${path} of ${folder.name} can’t be used: ${(error as Error).message}`,
      'check that it is the tokenizer.json of a Hugging Face model',
      error,
    )
  }
}

const ordinary = (tokens: unknown): unknown[] =>
  Array.isArray(tokens) ? tokens.filter(token => !(token as { special?: unknown }).special) : []

/** The text of the model's chat template, which is a separate file, or a part of the tokenizer's configuration. */
async function chatTemplate(folder: ModelFolder, config: Json): Promise<string | undefined> {
  const own = await folder.text('chat_template.jinja')
  if (own !== undefined) return own
  const { chat_template: template = (await jsonOf(folder, 'chat_template.json'))?.chat_template } = config
  if (typeof template === 'string') return template
  if (!Array.isArray(template)) return undefined
  const named = template as readonly { readonly name?: unknown; readonly template?: unknown }[]
  const usual = named.find(({ name }) => name === 'default') ?? named[0]
  return typeof usual?.template === 'string' ? usual.template : undefined
}

async function chatRenderer(folder: ModelFolder, config: Json): Promise<RenderChat | undefined> {
  const template = await chatTemplate(folder, config)
  if (template === undefined) return undefined
  const { Template } = await import('@huggingface/jinja')
  const specials = Object.fromEntries(
    ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'].flatMap(name => {
      const text = specialTokenText(config[name])
      return text === undefined ? [] : [[name, text]]
    }),
  )
  let parsed: InstanceType<typeof Template>
  try {
    parsed = new Template(template)
  } catch (error) {
    throw new LanguageModelError(
      `The chat template of ${folder.name} can’t be read: ${(error as Error).message}`,
      'mend chat_template in tokenizer_config.json, or remove it',
      error,
    )
  }
  return (messages, addGenerationPrompt) =>
    parsed.render({ messages: [...messages], add_generation_prompt: addGenerationPrompt, ...specials })
}

async function jsonOf(folder: ModelFolder, path: string): Promise<Json | undefined> {
  const text = await folder.text(path)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    throw new LanguageModelError(
      `${path} of ${folder.name} is no JSON: ${(error as Error).message}.`,
      'download the file again',
      error,
    )
  }
}
