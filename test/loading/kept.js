import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/* Where what the macro makes of the tests' files is kept: under the text of the file, and of all that makes it. */

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
export const loader = join(root, 'dist/macro/loader.js')

const sha = texts => texts.reduce((hash, text) => hash.update(text).update('\0'), createHash('sha1')).digest('hex')

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.js'))
    .sort()
    .map(name => join(folder, name))
}

const makers = [
  ...['dist/macro', 'dist/language'].flatMap(folder => filesIn(join(root, folder))),
  ...['core', 'preset-typescript', 'types', 'parser', 'generator'].map(name =>
    join(root, `node_modules/@babel/${name}/package.json`),
  ),
]
export const folder = join(root, 'node_modules/.cache/onnsight-tests', sha(makers.map(file => readFileSync(file))))

/** The file's text as it is loaded, given its own. */
export const placeOf = (path, source) => join(folder, `${sha([path, source])}.js`)
