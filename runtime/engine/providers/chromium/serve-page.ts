import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { dirname, join, normalize, sep } from 'node:path'
import { scriptBeside } from '../../../child-process/script-beside.ts'
import { MissingPackageError } from '../../../errors/install.ts'

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
}

/** The page imports onnsight's own modules, and packages by the names that bundlers know. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>onnsight</title>
<script type="importmap">{ "imports": {
  "onnxruntime-web/wasm": "./ort/ort.wasm.bundle.min.mjs",
  "onnxruntime-web/webgpu": "./ort/ort.webgpu.bundle.min.mjs",
  "@bufbuild/protobuf": "./protobuf/index.js",
  "@bufbuild/protobuf/codegenv2": "./protobuf/codegenv2/index.js"
} }</script>
<script type="module" src="./own/engine/providers/chromium/page.js"></script>`

/**
 * Serves the page and its modules under a path that no other program knows. \`next\` gets what the page posts, and answers it.
 * @throws MissingPackageError if there is no onnxruntime-web
 */
export function pageServer(secret: string, next: (body: ArrayBuffer, response: ServerResponse) => void): Server {
  const folders: Readonly<Record<string, string>> = {
    ort: onnxruntimeWeb(),
    own: ownModules(),
    // Its ES modules lie beside those that `require` finds.
    protobuf: join(folderOf('@bufbuild/protobuf'), '..', 'esm'),
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [start, first, ...rest] = new URL(request.url ?? '', 'http://localhost').pathname.slice(1).split('/')
    // Threads of WebAssembly need a page that is isolated from other sites.
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    if (start !== secret) return void response.writeHead(404).end()
    if (first === '') return void response.setHeader('Content-Type', 'text/html').end(PAGE)
    if (first === 'next') return next(await bodyOf(request), response)
    const folder = folders[first]
    const file = folder && normalize(join(folder, ...rest))
    const content = file?.startsWith(folder + sep) ? await readFile(file).catch(() => undefined) : undefined
    if (!content) return void response.writeHead(404).end()
    response.setHeader('Content-Type', TYPES[rest.at(-1)!.split('.').at(-1)!] ?? 'application/octet-stream')
    response.end(content)
  }
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  // A request waits for as long as there is nothing to do.
  server.requestTimeout = 0
  return server
}

function onnxruntimeWeb(): string {
  try {
    return folderOf('onnxruntime-web')
  } catch (cause) {
    throw new MissingPackageError('onnxruntime-web', cause, 'for the providers wasm and webgpu')
  }
}

/** The folder of a package's code. Bundlers would read an imported `createRequire`, and look for the package when they build. */
const folderOf = (name: string): string =>
  dirname(
    process
      .getBuiltinModule('node:module')
      .createRequire(import.meta.url)
      .resolve(name),
  )

/** The folder runtime/ of the compiled package. */
const ownModules = (): string => join(dirname(scriptBeside(import.meta.url, 'page.js')), '..', '..', '..')

async function bodyOf(request: IncomingMessage): Promise<ArrayBuffer> {
  const parts: Uint8Array[] = []
  for await (const part of request) parts.push(part as Uint8Array)
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole.buffer
}
