import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'

test('files with random damage load, or are refused with an error of ours; nothing crashes or hangs', t => {
  const folder = mkdtempSync(join(tmpdir(), 'onnsight-damage-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const script = [
    '--import',
    'onnsight/register',
    'test/model/damage.ts',
    'examples/models/induction.onnx',
    join(folder, 'm.onnx'),
    '20261125',
    '150',
  ]
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, script, { encoding: 'utf8', timeout: 100_000 })
  const last = stdout.trim().split('\n').at(-1) ?? ''
  t.is(status, 0, `${signal ?? ''} after ${last}\n${stderr.slice(-2000)}`)
  const { loaded, refused } = JSON.parse(last) as { loaded: number; refused: number }
  t.is(loaded + refused, 150)
  t.true(refused > 50, `${refused} refused`)
})
