import { PassThrough } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { encodeData } from '../../runtime/tensor/values/encoded.ts'
import type { GenerateJob, GenerateReply, GenerateSettings } from '../process/messages.ts'
import { errorBody, statusOfSent } from './errors.ts'
import { chatBody, completionBody } from './schemas.ts'
import { notes, type ServerState } from './state.ts'

interface Body {
  readonly model?: string
  readonly prompt?: GenerateJob['prompt']
  readonly messages?: readonly { readonly role: string; readonly content: string }[]
  readonly max_tokens?: number
  readonly max_completion_tokens?: number
  readonly temperature?: number
  readonly top_p?: number
  readonly seed?: number
  readonly stop?: string | readonly string[] | null
  readonly stream?: boolean
  readonly onnsight?: { readonly template?: string }
}

/** Plain generation in OpenAI's form. The field `onnsight` has edits and reads. */
export function completionRoutes(app: FastifyInstance, state: ServerState): void {
  app.get('/v1/models', { schema: { summary: 'The models that generate texts', tags: ['openai'] } }, () => ({
    object: 'list',
    data: [...state.models.values()]
      .filter(({ facts }) => facts?.hasTokenizer)
      .map(({ name }) => ({ id: name, object: 'model', created: 0, owned_by: 'onnsight' })),
  }))
  const summary = 'Goes on with a text'
  app.post<{ Body: Body }>(
    '/v1/completions',
    { schema: { summary, tags: ['openai'], body: completionBody } },
    (request, reply) => complete(state, request, reply, request.body.prompt!, textForm),
  )
  app.post<{ Body: Body }>(
    '/v1/chat/completions',
    { schema: { summary: 'Answers a chat', tags: ['openai'], body: chatBody } },
    (request, reply) => complete(state, request, reply, request.body.messages!, chatForm),
  )
}

/** How an answer is written. */
interface Form {
  readonly prefix: string
  readonly object: string
  readonly pieceObject: string
  whole(text: string): object
  piece(text: string): object
}

const textForm: Form = {
  prefix: 'cmpl',
  object: 'text_completion',
  pieceObject: 'text_completion',
  whole: text => ({ text }),
  piece: text => ({ text }),
}
const chatForm: Form = {
  prefix: 'chatcmpl',
  object: 'chat.completion',
  pieceObject: 'chat.completion.chunk',
  whole: text => ({ message: { role: 'assistant', content: text } }),
  piece: text => ({ delta: { content: text } }),
}

async function complete(
  state: ServerState,
  request: FastifyRequest<{ Body: Body }>,
  reply: FastifyReply,
  prompt: GenerateJob['prompt'],
  form: Form,
): Promise<FastifyReply> {
  const { body } = request
  const model = state.model(body.model, request)
  const own = notes(request)!
  const settings = settingsOf(body, state.options.maxNewTokens ?? 1024)
  const template = body.onnsight?.template
  const permission = state.permission(own.user)
  const job: GenerateJob = { prompt, template, isStreamed: body.stream === true, permission }
  const common = { id: `${form.prefix}-${request.id}`, created: Math.floor(Date.now() / 1000), model: model.name }
  const stream = body.stream ? new PassThrough() : undefined
  const send = (choice: object, more: object = {}): void => {
    const event = { ...common, object: form.pieceObject, choices: [{ index: 0, ...choice }], ...more }
    stream?.write(`data: ${JSON.stringify(event)}\n\n`)
  }
  const onText = (text: string): void => send({ ...form.piece(text), finish_reason: null })
  // What is drawn from a seed depends on the rows of the batch.
  const group = `generate ${JSON.stringify(settings)}${settings.seed === undefined ? '' : request.id}`
  const running = state.run(model, request, reply, group, { kind: 'generate', settings, job, onText })
  if (!stream) {
    const found = (await running).reply as GenerateReply
    if ('error' in found) {
      const status = statusOfSent(found.error)
      return reply.status(status).send(errorBody(found.error, status))
    }
    const finish_reason = finishReason(found.finishReason)
    await count(state, request, found)
    return reply.send({
      ...common,
      object: form.object,
      choices: [{ index: 0, ...form.whole(found.text), finish_reason, logprobs: null }],
      ...endOf(found, body),
    })
  }
  running.then(
    async ({ reply: answer }) => {
      const found = answer as GenerateReply
      if ('error' in found)
        stream.write(`data: ${JSON.stringify(errorBody(found.error, statusOfSent(found.error)))}\n\n`)
      else {
        await count(state, request, found)
        send({ ...form.piece(''), finish_reason: finishReason(found.finishReason) }, endOf(found, body))
      }
      stream.end('data: [DONE]\n\n')
    },
    (error: unknown) => {
      request.log.error(error)
      stream.end(
        `data: ${JSON.stringify(errorBody({ code: 'serve', name: 'ServeError', message: String(error), fix: undefined, at: undefined }, 500))}\n\n`,
      )
    },
  )
  return reply.type('text/event-stream').header('cache-control', 'no-cache').send(stream)
}

type Whole = Exclude<GenerateReply, { readonly error: unknown }>

async function count(state: ServerState, request: FastifyRequest, { promptTokens, newTokens }: Whole): Promise<void> {
  const own = notes(request)!
  own.tokens += promptTokens + newTokens
  await state.quotas.take(own.user, { tokens: promptTokens + newTokens })
}

function endOf({ promptTokens, newTokens, values }: Whole, { onnsight }: Body): object {
  const usage = { prompt_tokens: promptTokens, completion_tokens: newTokens, total_tokens: promptTokens + newTokens }
  if (!onnsight) return { usage }
  const encoded = values.map(saved =>
    Object.fromEntries(Object.entries(saved).map(([name, data]) => [name, encodeData(data)])),
  )
  return { usage, onnsight: { values: encoded } }
}

function settingsOf(body: Body, most: number): GenerateSettings {
  const { temperature = 1, top_p, seed, stop } = body
  const asked = body.max_completion_tokens ?? body.max_tokens ?? 16
  const stops = [stop ?? []].flat().filter(text => text !== '')
  return {
    maxNewTokens: Math.min(asked, most),
    ...(temperature === 0
      ? { doSample: false }
      : {
          doSample: true,
          temperature,
          ...(top_p === undefined ? {} : { topP: top_p }),
          ...(seed === undefined ? {} : { seed }),
        }),
    ...(stops.length > 0 ? { stopStrings: stops } : {}),
  }
}

/** `length` or `stop`, in OpenAI's words. */
const finishReason = (reason: string): string => (reason === 'length' ? 'length' : 'stop')
