import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load } from 'onnsight'
import { harvest } from 'onnsight/harvest'

/** A Python with NumPy, as Debian installs it. */
const python = ['/usr/bin/python3', 'python3'].find(name => spawnSync(name, ['-c', 'import numpy']).status === 0)
const folder = mkdtempSync(join(tmpdir(), 'onnsight-python-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const [, reader] = /```python\n([\s\S]*?)```/.exec(readFileSync('docs/harvest.md', 'utf8'))!

const check = python === undefined ? test.skip : test
check('NumPy reads the shards by the program of the page (skipped without a Python with NumPy)', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  const ids = Array.from({ length: 9 }, (_, d) => [d, d + 1, d + 2])
  const at = 'transformer.h.1.output'
  for (const [dtype, as] of [
    ['float32', ''],
    ['float16', ''],
    ['bfloat16', ".astype('<u4').__lshift__(16).view('<f4')"],
  ] as const) {
    const out = join(folder, dtype)
    const found = await harvest(model, { at, ids, out, dtype, shardRows: 10 })
    const program = `${reader}
print(json.dumps([[float(s['${at}']${as}.astype(float).sum()), s['token'].tolist()] for s in shards(${JSON.stringify(out)})]))`
    const read = JSON.parse(execFileSync(python!, ['-c', program], { encoding: 'utf8' })) as [number, number[]][]
    t.is(read.length, found.index.shards.length)
    t.deepEqual(
      read.flatMap(([, token]) => token),
      ids.flat(),
    )
    let sum = 0
    for await (const { values } of found.batches())
      for (const value of values[at].data as Float32Array) sum += Number(value)
    t.true(Math.abs(read.reduce((all, [one]) => all + one, 0) - sum) < 1e-3 * Math.abs(sum))
  }
})
