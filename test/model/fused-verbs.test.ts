import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { everyVerb } from '../engine/fusions/every-verb.ts'
import { operators } from '../engine/fusions/operators.ts'

// Tests one operator of each kind. test/engine/fusions/verbs.test.ts tests all of them with their attributes.

const names = [
  'GroupQueryAttention, rotary inside, packed',
  'MultiHeadAttention, a cache',
  'Attention of opset 23, causal with softcap',
  'SkipSimplifiedLayerNormalization with a bias, and its sum',
  'MatMulNBits, 4 bits, accuracy level 4',
  'GatherBlockQuantized, 4 bits with zero points',
  'QMoE, 8 bits',
  'BiasGelu with a bias',
]

const folder = mkdtempSync(join(tmpdir(), 'onnsight-fused-'))
test.after.always(() => rmSync(folder, { recursive: true }))

for (const [i, name] of names.entries())
  test(`${name}: opened, scanned, run, traced, edited, invoked, cached, saved, typed, profiled and viewed`, async t => {
    await everyVerb(t, operators.find(graph => graph.name === name)!, join(folder, `${i}.onnx`))
  })
