import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { version } from '../../runtime/errors/version.ts'
import type { FindUser } from '../access/users.ts'
import { completionRoutes } from './completion-routes.ts'
import { sendError } from './errors.ts'
import { library } from './libraries.ts'
import type { Measures } from './measures.ts'
import { modelRoutes } from './model-routes.ts'
import { note, notes, type ServerState } from './state.ts'

const MIB = 2 ** 20

/** Routes that say nothing of a model, for those who watch the server. */
const OPEN: ReadonlySet<string> = new Set(['/health', '/ready', '/metrics', '/openapi.json'])

/** A request that sends nothing for so long is ended. */
const REQUEST_MS = 60_000

/** The HTTP service: who asks is known before a body is read, and each request is counted and noted when it was answered. */
export async function makeApp(state: ServerState, findUser: FindUser, measures: Measures): Promise<FastifyInstance> {
  const { fastify } = await library('fastify', () => import('fastify'))
  const { default: swagger } = await library('@fastify/swagger', () => import('@fastify/swagger'))
  const { log, bodyBytes = 64 * MIB } = state.options
  const app = fastify({
    bodyLimit: bodyBytes,
    requestTimeout: REQUEST_MS,
    requestIdHeader: 'x-request-id',
    genReqId: () => crypto.randomUUID(),
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    ...(log ? { logger: { stream: log as never, level: 'info' } } : {}),
  })
  await app.register(swagger, {
    openapi: {
      openapi: '3.0.3',
      info: { title: 'onnsight', version, description: 'Intervention graphs and generation on models of this server.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
  })
  app.setErrorHandler((error, request, reply) => {
    if (((error as { statusCode?: number }).statusCode ?? 500) >= 500) request.log.error(error)
    return sendError(reply, error)
  })
  app.setNotFoundHandler((request, reply) =>
    sendError(
      reply,
      Object.assign(new Error(`There is nothing at ${request.url.slice(0, 200)}.`), { statusCode: 404 }),
    ),
  )
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id)
    note(request, { user: { name: '' }, model: undefined, tokens: 0, bytesOut: 0, signal: whenGone(reply) })
    if (OPEN.has(request.routeOptions.url ?? '')) return
    const user = await findUser(request.headers.authorization)
    notes(request)!.user = user
    await state.quotas.begin(user)
  })
  // A client that keeps its connection would send its next request into one that is about to be closed.
  app.addHook('onSend', async (_request, reply) => {
    if (state.isClosing) void reply.header('connection', 'close')
  })
  app.addHook('onResponse', (request, reply) => answered(state, measures, request, reply))
  app.get('/health', { schema: { summary: 'Whether the server runs', tags: ['server'], security: [] } }, () => ({
    status: 'ok',
  }))
  app.get(
    '/ready',
    { schema: { summary: 'Whether it takes requests', tags: ['server'], security: [] } },
    (_request, reply) => reply.status(state.isReady ? 200 : 503).send({ ready: state.isReady }),
  )
  app.get(
    '/metrics',
    { schema: { summary: 'Measures for Prometheus', tags: ['server'], security: [] } },
    async (_request, reply) => reply.type(measures.registry.contentType).send(await measures.registry.metrics()),
  )
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  modelRoutes(app, state)
  completionRoutes(app, state)
  return app
}

/** Aborted when the client has gone before its answer was sent. */
function whenGone(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.on('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('The client has gone.'))
  })
  return controller.signal
}

async function answered(
  state: ServerState,
  measures: Measures,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { user, model, tokens } = notes(request)!
  const route = request.routeOptions.url ?? 'unknown'
  measures.answered(route, reply.statusCode, reply.elapsedTime / 1000)
  if (model !== undefined && tokens > 0) measures.tokens(model, tokens)
  if (OPEN.has(route)) return
  const bytesIn = Number(request.headers['content-length'] ?? 0)
  const bytesOut = Number(reply.getHeader('content-length') ?? 0)
  await state.quotas.take(user, { bytes: bytesIn + bytesOut })
  const { audit } = state.options
  if (!audit) return
  const body: unknown = request.body
  audit({
    time: new Date().toISOString(),
    requestId: request.id,
    user: user.name,
    method: request.method,
    route,
    model,
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime),
    bytesIn,
    bytesOut,
    bodyHash:
      body === undefined || body === null ? undefined : createHash('sha256').update(JSON.stringify(body)).digest('hex'),
    tokens,
  })
}
