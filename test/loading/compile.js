import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { folder, loader, placeOf } from './kept.js'

const tests = join(dirname(fileURLToPath(import.meta.url)), '..')
const TYPESCRIPT = /(?<!\.d)\.ts$/

/**
 * Lets the macro's own loader make what is not kept yet of all the tests' files: in one process, and not in each of AVA's workers, of
 * which every one would load Babel for a file or two.
 */
export async function compileTests() {
  const names = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  const paths = names.filter(name => TYPESCRIPT.test(name) && !/node_modules|(^|\/)fixtures\/|^consumers/.test(name))
  await compile(paths.map(name => join(tests, name)))
}

async function compile(paths) {
  const missing = paths.filter(path => !existsSync(placeOf(path, readFileSync(path, 'utf8'))))
  if (missing.length === 0) return
  forgetOthers()
  const { load } = await import(pathToFileURL(loader).href)
  for (const path of missing) {
    const text = readFileSync(path, 'utf8')
    const place = placeOf(path, text)
    const result = await load(pathToFileURL(path).href, { format: 'module' }, () => ({ source: text })).catch(
      error => error,
    )
    // What the macro refuses is told where a test loads it.
    if (result instanceof Error && paths.length > 1) continue
    if (result instanceof Error) throw result
    const part = `${place}.${process.pid}`
    writeFileSync(part, String(result.source))
    renameSync(part, place)
  }
}

/** What another macro made goes. */
function forgetOthers() {
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(dirname(folder)))
    if (name !== basename(folder)) rmSync(join(dirname(folder), name), { recursive: true, force: true })
}

const [, called, ...given] = process.argv
if (called && resolve(called) === fileURLToPath(import.meta.url)) await compile(given.map(path => resolve(path)))
