import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/** A server that answers like the hub, for one model or one data set. */
export interface Hub {
  readonly url: string
  /** The method and path of every request. */
  readonly requests: string[]
  close(): Promise<void>
}

export interface HubModel {
  readonly id: string
  readonly commit: string
  /** The model's files: the path of each on the disk, by its path in the model. */
  readonly files: Readonly<Record<string, string>>
  /** The token without which the server answers as if there were no such model. */
  readonly token?: string
  readonly kind?: 'models' | 'datasets'
}

/** All files below a folder. */
export function filesBelow(folder: string): Record<string, string> {
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(path =>
    statSync(join(folder, path)).isFile(),
  )
  return Object.fromEntries(found.map(path => [path, join(folder, path)]))
}

export async function serveHub({ id, commit, files, token, kind = 'models' }: HubModel): Promise<Hub> {
  const requests: string[] = []
  const oid = (path: string): string => createHash('sha1').update(readFileSync(files[path])).digest('hex')
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://hub')
    const path = decodeURIComponent(url.pathname)
    requests.push(`${request.method} ${path}`)
    const json = (status: number, value: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    }
    const isAllowed = token === undefined || request.headers.authorization === `Bearer ${token}`
    const api = `/api/${kind}/${id}`
    const own = kind === 'models' ? `/${id}` : `/${kind}/${id}`
    if (!isAllowed || !(path.startsWith(`${api}/`) || path.startsWith(`${own}/`)))
      return json(401, { error: 'Invalid username or password.' })
    const [, , revision] = /^\/(api\/\w+\/)?.+?\/(?:revision|tree|resolve)\/([^/?]+)/.exec(path) ?? []
    if (revision !== 'main' && revision !== commit) return json(404, { error: 'Invalid rev id' })
    if (path.startsWith(`${api}/revision/`)) return json(200, { _id: '1', id, sha: commit, siblings: [] })
    if (path.startsWith(`${api}/tree/`))
      return json(
        200,
        Object.keys(files).map(path => ({ type: 'file', path, size: statSync(files[path]).size, oid: oid(path) })),
      )
    const file = path.slice(`${own}/resolve/${revision}/`.length)
    if (!(file in files)) return response.writeHead(404, { 'X-Error-Code': 'EntryNotFound' }).end()
    const bytes = readFileSync(files[file])
    const [, from, to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? []
    const [start, end] = [Number(from ?? 0), to ? Number(to) : bytes.length - 1]
    response.writeHead(from === undefined ? 200 : 206, {
      etag: `"${oid(file)}"`,
      'content-length': end - start + 1,
      ...(from === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${bytes.length}` }),
    })
    return response.end(bytes.subarray(start, end + 1))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise(done => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}
