import type { FastifyInstance } from 'fastify'
import { ServeError } from '../../runtime/errors/serve.ts'
import type { GraphReply } from '../process/messages.ts'
import { sendValues } from './answers.ts'
import { errorBody, statusOfSent } from './errors.ts'
import { graphBody, modelParams } from './schemas.ts'
import { notes, type ServerState } from './state.ts'

interface WithModel {
  Params: { model: string }
}

/** Models, their graphs without weights, and intervention graphs. */
export function modelRoutes(app: FastifyInstance, state: ServerState): void {
  app.get('/models', { schema: { summary: 'The models of this server', tags: ['models'] } }, () => ({
    models: [...state.models.values()].map(({ name, facts }) => ({ name, ready: facts !== undefined })),
  }))

  app.get<WithModel>(
    '/models/:model',
    { schema: { summary: 'Inputs, outputs and modules of a model', tags: ['models'], params: modelParams } },
    request => {
      const { name, facts } = state.model(request.params.model, request)
      if (!facts) throw new ServeError('The model is being loaded.', 'try again soon')
      return { name, ...facts }
    },
  )

  app.get<WithModel>(
    '/models/:model/skeleton',
    {
      schema: {
        summary: 'The model’s graph without its weights, from which modules, types and dims follow',
        tags: ['models'],
        params: modelParams,
        produces: ['application/octet-stream'],
      },
    },
    async (request, reply) => {
      const bytes = await state.model(request.params.model, request).process.skeleton()
      return reply.type('application/octet-stream').send(Buffer.from(bytes))
    },
  )

  app.get<WithModel>(
    '/models/:model/language',
    {
      schema: {
        summary: 'The model’s tokenizer and what its files say about texts, which load(url) opens',
        tags: ['models'],
        params: modelParams,
      },
    },
    request => state.model(request.params.model, request).process.language(),
  )

  app.post<WithModel & { Body: { inputs: Record<string, { type?: unknown; dims?: unknown }> } }>(
    '/models/:model/graphs',
    {
      schema: {
        summary: 'Runs an intervention graph',
        description:
          'The values come as JSON, or as a stream of safetensors with the header accept: application/vnd.safetensors. Requests that arrive together share a run; the header x-queue-place says how many came before.',
        tags: ['graphs'],
        params: modelParams,
        body: graphBody,
      },
    },
    async (request, reply) => {
      const model = state.model(request.params.model, request)
      const { user } = notes(request)!
      const job = { graph: request.body, permission: state.permission(user) }
      const { reply: answer } = await state.run(model, request, reply, groupOf(request.body.inputs), {
        kind: 'graph',
        job,
      })
      const found = answer as GraphReply
      if (!('error' in found)) return sendValues(reply, request.headers.accept, found)
      const status = statusOfSent(found.error)
      return reply.status(status).send(errorBody(found.error, status))
    },
  )

  app.get(
    '/queue',
    {
      schema: {
        summary: 'The places of your own requests that wait, at all servers that share a Redis',
        tags: ['graphs'],
      },
    },
    async request => ({ waiting: await state.places.of(notes(request)!.user.name) }),
  )
}

/** Graphs on inputs of the same dims, but for the number of rows, may share a run. */
function groupOf(inputs: Readonly<Record<string, { type?: unknown; dims?: unknown }>>): string {
  const parts = Object.entries(inputs).map(
    ([name, { type, dims }]) => `${name}:${String(type)}[${Array.isArray(dims) ? dims.slice(1).join() : ''}]`,
  )
  return `graph ${parts.sort().join(' ')}`
}
