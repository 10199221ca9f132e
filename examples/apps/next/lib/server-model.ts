import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { load, type Model } from 'onnsight'
import { look, type Readings } from './look'

const folder = join(process.cwd(), 'public/models')
let opened: Promise<{ model: Model; chars: string[] }> | undefined

/** Runs the model on the server. The first request loads it. */
export async function lookOnServer(text: string): Promise<Readings> {
  opened ??= open().catch(error => {
    opened = undefined
    throw error
  })
  const { model, chars } = await opened
  return look(model, chars, text)
}

async function open(): Promise<{ model: Model; chars: string[] }> {
  const model = await load(join(folder, 'chars.onnx'))
  const { chars } = JSON.parse(await readFile(join(folder, 'chars.vocab.json'), 'utf8')) as { chars: string[] }
  return { model, chars }
}
