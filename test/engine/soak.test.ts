import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import test from 'ava'

const measurable = existsSync('/proc/self/smaps_rollup')

;(measurable ? test : test.skip)(
  '1,000 traces of 250 kinds and all forms: memory is flat after the first pass',
  async t => {
    t.timeout(300_000)
    const child = ['--expose-gc', '--import', 'onnsight/register', 'test/engine/soak-child.ts']
    const { stdout } = await promisify(execFile)(process.execPath, child)
    const bytes = stdout.trim().split('\n').map(Number)
    t.is(bytes.length, 4)
    t.true(bytes.every(count => count > 2 ** 20))
    const [, second, third, last] = bytes
    const grown = Math.max(third, last) - second
    t.log(bytes.map(count => `${Math.round(count / 2 ** 20)} MiB`).join(', '))
    t.true(grown < 48 * 2 ** 20, `grew by ${grown} bytes`)
  },
)
