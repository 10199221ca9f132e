import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import test from 'ava'
import { load, type Tensor } from 'onnsight'
import { near } from '../../near.ts'
import { patterns } from './patterns/index.ts'

/** The failures that the child reported, each with the last case that it had begun. If the child died, the last one is the case that ended it. */
async function failures(from: number, to: number, blocks: number): Promise<string[]> {
  const args = [
    '--import',
    'onnsight/register',
    'test/engine/fusions/read-child.ts',
    String(from),
    String(to),
    String(blocks),
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const found: string[] = []
  let last = 'nothing'
  let hasEnded = false
  let said = ''
  child.stderr.on('data', data => (said += data))
  const closed = once(child, 'close')
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('start ')) last = line.slice('start '.length)
    else if (line === 'end') hasEnded = true
    else found.push(`${last}: ${line}`)
  }
  await closed
  if (!hasEnded) found.push(`${last}: ended by ${child.signalCode ?? child.exitCode} ${said.slice(0, 500)}`)
  return found
}

const PIECE = 40
for (let from = 0; from < patterns.length; from += PIECE) {
  const to = Math.min(from + PIECE, patterns.length)
  for (const blocks of [1, 3])
    test(`a value that onnxruntime would fuse away is read like any other: patterns ${from} to ${to}, cut in ${blocks}`, async t => {
      t.timeout(240_000)
      t.deepEqual(await failures(from, to, blocks), [])
    })
}

/** GELU by tanh, and a product with a transposed factor, each with a value that its fused form would not have. */
function computed(x: Tensor): Tensor[] {
  const cube = x.pow(3)
  const half = x.mul(0.5)
  const gelu = half.mul(cube.mul(0.044715).add(x).mul(0.7978845608).tanh().add(1))
  const turned = x.transpose(-1, -2).to('float64').to('float32')
  return [cube, half, half.add(1), gelu, turned, x.matmul(turned)]
}

test('what a block computes itself is fused no further than it is read', async t => {
  const model = await load('test/fixtures/models/induction.onnx')
  const path = 'transformer.h.0'
  const ids = [[18, 47, 56, 57]]
  const h = await model.trace(ids, m => m.module(path).output)
  const within = await model.trace(ids, m => computed(m.module(path).output))
  const apart = computed(h)
  for (const [i, value] of apart.entries()) t.true(near(within[i], await value.value()), `${i}`)
  await model.release()
})
