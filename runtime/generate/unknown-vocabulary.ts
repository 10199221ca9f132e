import { GenerateError } from '../errors/generate.ts'

export const unknownVocabulary = (): GenerateError =>
  new GenerateError(
    'Tokens can’t be drawn or searched for, nor their scores changed: the size of the vocabulary is not known before the model runs.',
    'take the likeliest token: leave out the options that choose otherwise',
  )
