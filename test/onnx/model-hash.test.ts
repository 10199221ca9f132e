import { createHash } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { modelHash } from '#dist/runtime/onnx/reading/model-hash.js'

test('the hash of a model is that of its file, also after the file is written again at the same size and time', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'onnsight-hash-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'model.onnx')
  copyFileSync('test/fixtures/models/chars.onnx', path)
  const bytes = readFileSync(path)
  const sha256 = (): string => createHash('sha256').update(readFileSync(path)).digest('hex')
  const seen = new Set<string>()
  // A file that has been there for a while is read once, and one that was just written each time.
  await wait(2100)
  const { atime, mtime } = statSync(path)
  for (let i = 0; i < 4; i++) {
    if (i > 0) {
      bytes[bytes.length - 200 - i] ^= 1
      writeFileSync(path, bytes)
      utimesSync(path, atime, mtime)
    }
    for (let again = 0; again < 2; again++) t.is(await modelHash(path), sha256())
    seen.add(sha256())
  }
  t.is(seen.size, 4)
})
