import { Tokenizer } from '@huggingface/tokenizers'

/* Small tokenizers of the kinds that models use beside byte-level BPE. */

const added = (tokens: Readonly<Record<string, number>>) =>
  Object.entries(tokens).map(([content, id]) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }))

const ids = (words: readonly string[]): Record<string, number> =>
  Object.fromEntries(words.map((word, id) => [word, id]))

/** A tokenizer like BERT's: without capitals, with ## before parts of words, and with a token at either end. */
export const wordPiece = new Tokenizer(
  {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added({ '[PAD]': 0, '[UNK]': 1, '[CLS]': 2, '[SEP]': 3 }),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: ids([
        '[PAD]',
        '[UNK]',
        '[CLS]',
        '[SEP]',
        'the',
        'eiffel',
        'tower',
        'is',
        'in',
        'par',
        '##is',
        ',',
        '.',
        '19',
        '##99',
      ]),
    },
  },
  { tokenizer_class: 'BertTokenizer', do_lower_case: true },
)

/** A tokenizer like that of Llama 2 and T5: with a mark for spaces, and one before the first word. */
export const metaspace = new Tokenizer(
  {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added({ '<unk>': 0, '<s>': 1 }),
    normalizer: null,
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
    post_processor: null,
    decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
    model: {
      type: 'Unigram',
      unk_id: 0,
      vocab: [
        ['<unk>', 0],
        ['<s>', 0],
        ['▁The', -1],
        ['▁E', -2],
        ['iff', -2],
        ['el', -2],
        ['▁Tower', -1],
        ['▁is', -1],
        ['▁in', -1],
        ['▁Paris', -1],
        [',', -1],
        ['▁', -3],
      ],
    },
  },
  { tokenizer_class: 'T5Tokenizer' },
)
