import fc from 'fast-check'
import { type Fed, random } from './fused.ts'
import { few, law, seed } from './law.ts'

const norm = {
  rows: few(1, 3),
  width: few(2, 9),
  axis: fc.constantFrom(-1, -2, 1, 2),
  epsilon: fc.constantFrom(1e-5, 1e-2),
  seed,
}

const scaleOf = (dims: readonly number[], axis: number, seed: number): Fed => random(dims.slice(axis), seed, true)

law(
  'LayerNormalization',
  fc.record({ ...norm, hasBias: fc.boolean(), results: few(1, 3), opset: fc.constantFrom(17, 18, 21) }),
  s => {
    const dims = [s.rows, 2, s.width]
    return {
      opType: 'LayerNormalization',
      domain: '',
      opset: s.opset,
      attributes: { axis: { int: s.axis }, epsilon: { float: s.epsilon } },
      inputs: [
        random(dims, s.seed),
        scaleOf(dims, s.axis, s.seed + 1),
        s.hasBias ? scaleOf(dims, s.axis, s.seed + 2) : undefined,
      ],
      outputs: ['y', 'mean', 'inverse'].slice(0, s.results),
    }
  },
)

law(
  'SimplifiedLayerNormalization',
  fc.record({ ...norm, results: few(1, 2), opset: fc.constantFrom(14, 17, 21) }),
  s => {
    const dims = [s.rows, 2, s.width]
    return {
      opType: 'SimplifiedLayerNormalization',
      domain: '',
      opset: s.opset,
      attributes: { axis: { int: s.axis }, epsilon: { float: s.epsilon }, stash_type: { int: 1 } },
      inputs: [random(dims, s.seed), scaleOf(dims, s.axis, s.seed + 1)],
      outputs: ['y', 'inverse'].slice(0, s.results),
    }
  },
)

law('RMSNormalization', fc.record(norm), s => {
  const dims = [s.rows, 2, s.width]
  return {
    opType: 'RMSNormalization',
    domain: '',
    opset: 23,
    attributes: { axis: { int: s.axis }, epsilon: { float: s.epsilon } },
    inputs: [random(dims, s.seed), scaleOf(dims, s.axis, s.seed + 1)],
    outputs: ['y'],
  }
})
