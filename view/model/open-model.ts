import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join, parse, relative, resolve } from 'node:path'
import { CommandError } from '../../cli/shared/errors.ts'
import { LanguageModelError } from '../../runtime/errors/language-model.ts'
import { LanguageModel, type LanguageModelOptions, type LoadOptions, load, type Model } from '../../runtime/index.ts'
import type { Language } from '../../runtime/language-inputs/language.ts'
import { chooseGraphs } from '../../runtime/language-model/choose-graph.ts'
import { diskFolder } from '../../runtime/language-model/disk-folder.ts'
import type { LoadedModel } from '../../runtime/model/loaded/loaded-model.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'

/** A model that the page shows. */
export interface OpenedModel {
  readonly model: Model
  /** The model's name for the user: that of the file, of its folder, or of the model on the hub. */
  readonly title: string
  /** Texts and token ids, if the model was opened with a tokenizer. */
  readonly language: Language | undefined
  /** The file of the tokenizer, if it was found without being asked for. */
  readonly tokenizer?: string
  /** The call that opens it in a program. */
  readonly opening: Opening
}

export interface Opening {
  readonly uses: 'load' | 'LanguageModel'
  readonly text: string
}

export interface OpenOptions extends LoadOptions {
  /** The file of the vocabulary or tokenizer. */
  readonly vocab?: string | undefined
  readonly dtype?: LanguageModelOptions['dtype']
}

/**
 * Opens an .onnx file, a folder in the form that transformers.js and optimum write, or a model of the hub, with its tokenizer, if there is one.
 * The user did not ask for a tokenizer that only lies beside a file, so if it can't be used, this is no error but a note on stderr.
 */
export async function openModel(source: string, { vocab, dtype, ...options }: OpenOptions): Promise<OpenedModel> {
  const isFile = statSync(source, { throwIfNoEntry: false })?.isFile() ?? source.endsWith('.onnx')
  if (dtype !== undefined && isFile)
    throw new CommandError(`--dtype chooses a file of a folder, and ${source} is a file.`, 'leave the option out')
  if (vocab !== undefined) {
    const folder = isFile ? dirname(source) : source
    const language = { ...(dtype ? { dtype } : {}), tokenizer: relative(folder, resolve(vocab)) }
    try {
      return await withLanguage(source, language, options)
    } catch (error) {
      if (error instanceof LanguageModelError) throw new CommandError(unusable(vocab, error), VOCABULARY_FIX, error)
      throw error
    }
  }
  if (!isFile) return openFolder(source, dtype, options)
  const beside = tokenizerBeside(source)
  if (beside) {
    try {
      const { folder, tokenizer } = beside
      const opened =
        folder === dirname(source)
          ? await withLanguage(source, {}, options)
          : await withLanguage(folder, { file: `${basename(dirname(source))}/${basename(source)}` }, options)
      return { ...opened, title: titleOf(source), tokenizer }
    } catch (error) {
      if (!(error instanceof LanguageModelError)) throw error
      const message = `${unusable(beside.tokenizer, error)}\n  Do this: ${error.fix}`
      process.stderr.write(`Token ids are shown without their texts. ${message}\n`)
    }
  }
  return withoutLanguage(source, options)
}

const VOCABULARY_FIX = 'pass a file with {"chars": ["a", "b", …]}, or the tokenizer.json next to the model'

const unusable = (file: string, error: Error): string =>
  `The vocabulary ${file} can't be used: ${error.message.split('\n')[0]}`

/** A folder without a tokenizer has a model of another kind, such as one of images. */
async function openFolder(source: string, dtype: OpenOptions['dtype'], options: LoadOptions): Promise<OpenedModel> {
  if (existsSync(source) && !existsSync(join(source, 'tokenizer.json')) && !existsSync(join(source, 'snapshots'))) {
    const graphs = chooseGraphs(source, (await diskFolder(source).list()) ?? [], { dtype })
    return withoutLanguage(join(source, graphs.path), options)
  }
  return withLanguage(source, dtype ? { dtype } : {}, options)
}

async function withLanguage(
  source: string,
  language: Pick<LanguageModelOptions, 'dtype' | 'file' | 'tokenizer'>,
  options: LoadOptions,
): Promise<OpenedModel> {
  const model = (await LanguageModel.load(source, { ...language, ...options })) as unknown as Model
  const written = Object.entries(language).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  const more = written.length > 0 ? `, { ${written.join(', ')} }` : ''
  return {
    model,
    title: titleOf(source),
    language: (asTraceable(model, 'onnsight view').identity as LoadedModel).language,
    opening: { uses: 'LanguageModel', text: `await LanguageModel.load(${JSON.stringify(source)}${more})` },
  }
}

async function withoutLanguage(path: string, options: LoadOptions): Promise<OpenedModel> {
  const model = await load(path, options)
  return {
    model,
    title: titleOf(path),
    language: undefined,
    opening: { uses: 'load', text: `await load(${JSON.stringify(model.name)})` },
  }
}

/** The name of a file or folder. The name of a model of the hub includes its owner's. */
const titleOf = (source: string): string => (existsSync(source) ? basename(resolve(source)) : source)

/** The tokenizer of a file: NAME.vocab.json or tokenizer.json in its folder, or tokenizer.json in the folder above. */
function tokenizerBeside(path: string): { folder: string; tokenizer: string } | undefined {
  const folder = dirname(path)
  const found = [
    { folder, tokenizer: join(folder, `${parse(path).name}.vocab.json`) },
    { folder, tokenizer: join(folder, 'tokenizer.json') },
    { folder: join(folder, '..'), tokenizer: join(folder, '..', 'tokenizer.json') },
  ]
  return found.find(({ tokenizer }) => existsSync(tokenizer))
}
