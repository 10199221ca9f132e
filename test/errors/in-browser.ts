import { readFileSync } from 'node:fs'
import { create } from '@bufbuild/protobuf'
import type { Page } from 'playwright-core'
import { StringStringEntryProtoSchema, TensorProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { chromiumPath, openSite, type Site } from '../browser/site.ts'
import { graph, model, node, OnnxType, saved, value } from '../model/hand-graph.ts'

export interface Raised {
  readonly name: string
  readonly code?: string
  readonly message: string
}

/** A model with a weight of 4.3 GiB in a separate file. */
function hugeModel(): Buffer {
  const dims = [1100, 1024, 1024]
  const place = { location: 'huge.data', offset: '0', length: String(4 * 1100 * 2 ** 20) }
  const weight = create(TensorProtoSchema, {
    name: 'weight',
    dims: dims.map(BigInt),
    dataType: OnnxType.FLOAT,
    dataLocation: 1,
    externalData: Object.entries(place).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  })
  const proto = graph({
    nodes: [node('Mul', ['x', 'weight'], ['y'])],
    inputs: [value('x', OnnxType.FLOAT, [1])],
    outputs: [value('y', OnnxType.FLOAT, dims)],
    initializers: [weight],
  })
  return readFileSync(saved(model(proto)))
}

let opened: Promise<{ site: Site; page: Page }> | undefined

async function open(): Promise<{ site: Site; page: Page }> {
  const site = await openSite('test/browser/pages', 'test/fixtures', (request, response) => {
    if (request.url === '/huge.onnx') response.end(hugeModel())
    return request.url === '/huge.onnx'
  })
  const page = await site.open('/')
  await page.waitForFunction('globalThis.onnsight')
  return { site, page }
}

/** Runs a program in a page. Returns what it throws; undefined if it ends, or if there is no browser. */
export async function raiseInBrowser(program: string): Promise<Raised | undefined> {
  if (!chromiumPath) return undefined
  opened ??= open()
  const { page } = await opened
  return page.evaluate(`(async () => {
    const { load } = onnsight
    try {
      ${program}
    } catch ({ name, code, message }) {
      return { name, code, message }
    }
  })()`) as Promise<Raised | undefined>
}

export async function closeBrowser(): Promise<void> {
  await (await opened)?.site.close()
  opened = undefined
}
