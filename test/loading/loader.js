import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { placeOf } from './kept.js'

export { resolve } from '../../dist/macro/resolve.js'

/** Node's load hook: what onnsight/register makes of a file, without Babel where it is kept. */
export async function load(url, context, next) {
  if (!url.startsWith('file:') || url.includes('/node_modules/') || url.includes('/dist/')) return next(url, context)
  const isTypeScript = /\.m?tsx?(\?.*)?$/.test(url)
  if (!isTypeScript && !/\.m?jsx?(\?.*)?$/.test(url)) return next(url, context)
  const path = fileURLToPath(url)
  const text = await readFile(path, 'utf8')
  if (!isTypeScript && !text.includes('onnsight/trace.macro')) return next(url, context)
  const place = placeOf(path, text)
  const source = await readFile(place, 'utf8').catch(() => made(path, place))
  return { format: 'module', source, shortCircuit: true }
}

/** A file that a test wrote: another process makes it, as a hook can't import Babel later on in Node 20. */
function made(path, place) {
  const compile = fileURLToPath(new URL('./compile.js', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, [compile, path], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return readFileSync(place, 'utf8')
}
