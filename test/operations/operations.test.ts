import { readFileSync } from 'node:fs'
import test from 'ava'
import { Tensor } from 'onnsight'
import * as functions from '#dist/runtime/tensor/functions.js'
import { document } from './document.ts'

const page = readFileSync('docs/operations.md', 'utf8')
test('docs/operations.md has every method, getter and function that there is', t => {
  const listed = new Set(Array.from(page.matchAll(/(?:^\| |<br>)`(\w+)/gm), ([, name]) => name))
  const methods = Object.getOwnPropertyNames(Tensor.prototype).filter(
    name => name !== 'constructor' && !name.startsWith('_'),
  )
  t.true(methods.length > 120)
  for (const name of [...methods, ...Object.keys(functions)]) t.true(listed.has(name), name)
  for (const name of listed)
    t.true(name in Tensor.prototype || name in functions, `${name} is on the page, and nowhere else`)
})

test('docs/operations.md is what npm run operations writes', t => {
  const plain = (text: string): string => text.replace(/ *\| */g, '|').replace(/-{3,}/g, '---')
  t.is(plain(page), plain(document()))
})
