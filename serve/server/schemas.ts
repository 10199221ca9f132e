/* The forms of requests: Fastify checks them, and the OpenAPI document has them. */

const tensor = {
  type: 'object',
  required: ['type', 'dims', 'data'],
  properties: {
    type: { type: 'string', description: 'The dtype, as float32.' },
    dims: { type: 'array', items: { type: 'integer', minimum: 0 } },
    data: { description: 'Base64 of the elements, row-major and little-endian; for strings, a list.' },
  },
} as const

export const graphBody = {
  type: 'object',
  description: 'An intervention graph, as model.record() makes it.',
  required: ['version', 'inputs', 'nodes', 'writes', 'wanted'],
  properties: {
    version: { type: 'integer', description: '1' },
    inputs: { type: 'object', additionalProperties: tensor },
    nodes: { type: 'array', items: { type: 'object' } },
    writes: { type: 'array', items: { type: 'object' } },
    wanted: { type: 'array', items: { type: 'array', items: { type: 'integer' } } },
    result: { description: 'What the block returned; {"$tensor": i} stands for the i-th wanted value.' },
  },
} as const

const onnsight = {
  type: 'object',
  description: 'What onnsight adds to OpenAI’s form.',
  additionalProperties: false,
  properties: {
    template: {
      type: 'string',
      maxLength: 20_000,
      description:
        'A block in the template language, recorded in each step: it edits values, and the answer has those that it saves.',
    },
  },
} as const

const sampling = {
  model: { type: 'string', description: 'The name of a model; may be left out if the server has one.' },
  max_tokens: { type: 'integer', minimum: 1, default: 16 },
  temperature: { type: 'number', minimum: 0, maximum: 10, description: '0 takes the likeliest token.' },
  top_p: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
  seed: { type: 'integer', minimum: 0 },
  stop: { anyOf: [{ type: 'string' }, { type: 'array', maxItems: 16, items: { type: 'string' } }, { type: 'null' }] },
  stream: { type: 'boolean', default: false },
  n: { type: 'integer', const: 1 },
  user: { type: 'string' },
  onnsight,
} as const

export const completionBody = {
  type: 'object',
  required: ['prompt'],
  properties: {
    ...sampling,
    prompt: {
      anyOf: [{ type: 'string' }, { type: 'array', minItems: 1, items: { type: 'integer', minimum: 0 } }],
      description: 'A text, or token ids.',
    },
  },
} as const

export const chatBody = {
  type: 'object',
  required: ['messages'],
  properties: {
    ...sampling,
    max_completion_tokens: { type: 'integer', minimum: 1 },
    messages: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['role', 'content'],
        properties: { role: { type: 'string' }, content: { type: 'string' } },
      },
    },
  },
} as const

export const modelParams = {
  type: 'object',
  properties: { model: { type: 'string', description: 'The name of a model of this server.' } },
} as const
