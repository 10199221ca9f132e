import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import sirv from 'sirv'
import { CommandError } from '../../cli/shared/errors.ts'
import { checkRequest } from './check-request.ts'
import { Refusal, sentError } from './refusal.ts'
import { readBody } from './request-body.ts'
import type { Viewer } from './viewer.ts'

/** A server that is listening. */
export interface Listening {
  readonly port: number
  /** Stops the server and closes all connections, which also ends runs. */
  close(): void
}

const pageFolder = fileURLToPath(new URL('../page/', import.meta.url))

const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** Serves the page and its API under `/TOKEN/` on 127.0.0.1. Port 0 picks a free one. @throws CommandError if the port can't be used */
export async function listen(viewer: Viewer, token: string, port: number): Promise<Listening> {
  const files = sirv(pageFolder, { etag: true })
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value)
    void answer(request, response)
  })
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const { port: ownPort } = server.address() as AddressInfo
      const path = checkRequest(request, token, ownPort)
      if (path === '') return void response.writeHead(302, { location: `/${token}/` }).end()
      if (path.startsWith('/api/')) return await answerApi(viewer, path.slice('/api/'.length), request, response)
      if (request.method !== 'GET' && request.method !== 'HEAD') throw wrongMethod('GET')
      request.url = path
      files(request, response, () =>
        sendError(
          response,
          new Refusal(404, 'view-path', `There is no ${path} here.`, 'open the address that the command printed'),
        ),
      )
    } catch (error) {
      sendError(response, error)
    }
  }
  // Keep a connection open for a minute, so that the next request can use it.
  server.keepAliveTimeout = 60_000
  await new Promise<void>((done, failed) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'another program uses it' : error.message
      failed(
        new CommandError(`Port ${port} can't be used: ${reason}.`, 'choose another port, or leave out --port', error),
      )
    })
    server.listen(port, '127.0.0.1', done)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function answerApi(
  viewer: Viewer,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (name === 'alive') return stayOpen(response)
  const call = viewer.calls.get(name)
  if (!call)
    throw new Refusal(
      404,
      'view-path',
      `There is no api/${name}.`,
      `call one of ${[...viewer.calls.keys()].join(', ')}`,
    )
  if (request.method !== call.method) throw wrongMethod(call.method)
  const closed = new AbortController()
  // When the user cancels the run or closes the page, the connection closes. End the run then.
  response.on('close', () => closed.abort())
  const body = call.method === 'POST' ? await readBody(request) : undefined
  const send = (part: unknown): void => {
    if (closed.signal.aborted) return
    if (!response.headersSent) response.writeHead(200, { 'content-type': LINES, 'cache-control': 'no-store' })
    response.write(`${JSON.stringify(part)}\n`)
  }
  try {
    const result = await call.answer(body, closed.signal, send)
    if (response.headersSent) response.end()
    else if (!response.writableEnded && !closed.signal.aborted) sendJson(response, 200, result)
  } catch (error) {
    // After the first part, an error is the last one.
    if (!response.headersSent) throw error
    response.end(`${JSON.stringify({ error: sentError(error).body })}\n`)
  }
}

/** Keeps a connection open until the command ends, so that the page notices the end. */
function stayOpen(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-store' })
  response.flushHeaders()
}

/** The type of an answer in parts. */
const LINES = 'application/x-ndjson; charset=utf-8'

const wrongMethod = (method: string): Refusal =>
  new Refusal(405, 'view-method', 'The request has the wrong HTTP method.', `send it with ${method}`)

function sendError(response: ServerResponse, error: unknown): void {
  if (response.destroyed || response.headersSent) return
  if (process.env.ONNSIGHT_DEBUG) console.error(error)
  const { status, body } = sentError(error)
  sendJson(response, status, body)
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  response.end(JSON.stringify(value))
}
