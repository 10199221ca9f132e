import type { Provider } from '../../sessions/provider.ts'
import { NumberedSessions } from '../numbered-sessions.ts'
import { webProvider } from '../web.ts'
import type { PageAnswer, PageRequest, Started } from './messages.ts'
import { packed, unpacked } from './packed.ts'

/* The page in Chromium that runs sessions for a model in Node. It asks its server for one request after the other. */

const sessions = new NumberedSessions()
let provider: Provider | undefined

interface Gpu {
  requestAdapter(): Promise<{
    readonly features: ReadonlySet<string>
    readonly info: { readonly architecture: string; readonly isFallbackAdapter?: boolean }
  } | null>
}

async function answer(request: PageRequest): Promise<unknown> {
  switch (request.kind) {
    case 'start': {
      const { kind: _, ...options } = request
      provider = webProvider(options)
      const { gpu } = navigator as { gpu?: Gpu }
      const adapter = options.device === 'webgpu' ? await gpu?.requestAdapter() : undefined
      const hasAdapter = Boolean(adapter)
      if (hasAdapter) await provider.probe()
      const isSoftware = adapter?.info.isFallbackAdapter || adapter?.info.architecture === 'swiftshader'
      return { hasAdapter, isSoftware, computesFloat16: adapter?.features.has('shader-f16') ?? false } satisfies Started
    }
    case 'create': {
      const { bytes, parts, isShielded, options } = request
      const given = parts.map(({ location, data }) => ({ location, bytes: data.length, read: async () => data }))
      return sessions.add(await provider!.create({ bytes, folder: undefined, parts: given, isShielded }, options))
    }
    default:
      return sessions.answer(request)
  }
}

async function serve(): Promise<void> {
  let reply: PageAnswer | undefined
  for (;;) {
    const response = await fetch('next', { method: 'POST', body: packed(reply ?? null) })
    const { id, request } = unpacked(await response.arrayBuffer()) as { id: number; request: PageRequest }
    reply = await answer(request).then(
      result => ({ id, result }),
      (error: unknown) => ({ id, error: String((error as Error | undefined)?.message ?? error) }),
    )
  }
}

// The server is gone when Node needs the page no more.
serve().catch(() => undefined)
