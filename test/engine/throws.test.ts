import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import test from 'ava'

const measurable = existsSync('/proc/self/smaps_rollup')

;(measurable ? test : test.skip)(
  'a block that throws at any of its statements leaves nothing behind: 1,000 times, and the next trace is right',
  async t => {
    t.timeout(300_000)
    const child = ['--expose-gc', '--import', 'onnsight/register', 'test/engine/throws-child.ts']
    const { stdout } = await promisify(execFile)(process.execPath, child, {
      env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: undefined },
    })
    const [thrown, ...bytes] = stdout.trim().split('\n').map(Number).reverse()
    t.is(thrown, 1000)
    t.is(bytes.length, 4)
    t.true(bytes.every(count => count > 2 ** 20))
    const [last, third, second] = bytes
    t.log(bytes.map(count => `${Math.round(count / 2 ** 20)} MiB`).join(', '))
    t.true(Math.max(third, last) - second < 12 * 2 ** 20)
  },
)
