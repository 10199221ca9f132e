import test from 'ava'
import { load, type Model, type Tensor } from 'onnsight'
import { logitLens } from 'onnsight/study'
import { floats, graph, ints, model, node, OnnxType, saved, value } from '../model/hand-graph.ts'

// Models without attention: each position is computed alone, so the lens of a long prompt is that of its pieces.

const [WIDTH, LAYERS] = [4, 2]
const numbers = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(12.9898 * i + seed) * 2)

/** @param positions the number of positions, or the name of an open dim */
function streamModel(vocabulary: number, positions: number | string): string {
  const isFixed = typeof positions === 'number'
  const nodes = [node('Gather', ['table', 'input_ids'], ['h0'], {}, '/model/embed/Gather')]
  for (let i = 0; i < LAYERS; i++) {
    // What is found as a layer has eight nodes at least.
    for (let j = 0; j < 4; j++)
      nodes.push(
        node(
          'MatMul',
          [j === 0 ? `h${i}` : `t${i}.${j - 1}`, `w${i}`],
          [`m${i}.${j}`],
          {},
          `/model/layers.${i}/mlp/${j}/MatMul`,
        ),
        node('Tanh', [`m${i}.${j}`], [`t${i}.${j}`], {}, `/model/layers.${i}/mlp/${j}/Tanh`),
      )
    nodes.push(node('Add', [`h${i}`, `t${i}.3`], [`h${i + 1}`], {}, `/model/layers.${i}/Add`))
  }
  // Exporters write the dims of a fixed prompt into a Reshape.
  if (isFixed) nodes.push(node('Reshape', [`h${LAYERS}`, 'dims'], ['flat'], {}, '/lm_head/Reshape'))
  nodes.push(node('MatMul', [isFixed ? 'flat' : `h${LAYERS}`, 'unembed'], ['logits'], {}, '/lm_head/MatMul'))
  const dims = [1, positions]
  const main = graph({
    nodes,
    inputs: [value('input_ids', OnnxType.INT64, dims)],
    outputs: [value('logits', OnnxType.FLOAT, [...dims, vocabulary])],
    initializers: [
      floats('table', [vocabulary, WIDTH], numbers(vocabulary * WIDTH, 1)),
      ...Array.from({ length: LAYERS }, (_, i) => floats(`w${i}`, [WIDTH, WIDTH], numbers(WIDTH * WIDTH, 2 + i))),
      floats('unembed', [WIDTH, vocabulary], numbers(vocabulary * WIDTH, 9)),
      ...(isFixed ? [ints('dims', [3], [1, positions, WIDTH])] : []),
    ],
  })
  return saved(model(main))
}

async function lensOf(path: string, prompt: readonly number[]) {
  const opened: Model = await load(path)
  try {
    return await logitLens(opened, [prompt], { top: 2, answer: 3 })
  } finally {
    await opened.release()
  }
}

const part = (values: Tensor, from: number, count: number): number[] =>
  (values.tolist() as number[][][]).flatMap(layer =>
    layer[0]
      .slice(from, from + count)
      .flat()
      .map(Number),
  )

const isNear = (got: readonly number[], due: readonly number[]): boolean =>
  got.length === due.length && got.every((x, i) => Math.abs(x - due[i]) < 1e-4 * Math.max(1, Math.abs(due[i])))

const FIELDS = ['ids', 'probabilities', 'answerProbabilities', 'ranks', 'kl', 'entropy'] as const

test('the lens of a prompt whose logits would take too much memory at once is that of its pieces', async t => {
  // Three rows of 300 × 50,000 logits are computed in two parts.
  const path = streamModel(50_000, 'positions')
  const prompt = Array.from({ length: 300 }, (_, i) => (i * 7919) % 50_000)
  const whole = await lensOf(path, prompt)
  t.deepEqual(whole.ids.dims, [LAYERS + 1, 1, 300, 2])
  t.is(whole.answers.dims[1], 300)
  for (const [from, count] of [
    [0, 40],
    [200, 60],
    [297, 3],
  ]) {
    const piece = await lensOf(path, prompt.slice(from, from + count))
    for (const field of FIELDS)
      t.true(isNear(part(whole[field], from, count), part(piece[field], 0, count)), `${field}, from ${from}`)
  }
})

test('the lens of a model that takes one length alone is that of the same model with an open length', async t => {
  const prompt = [5, 17, 3, 90, 41, 8]
  const [fixed, open] = [
    await lensOf(streamModel(100, prompt.length), prompt),
    await lensOf(streamModel(100, 'n'), prompt),
  ]
  for (const field of FIELDS)
    t.true(isNear(part(fixed[field], 0, prompt.length), part(open[field], 0, prompt.length)), field)
  t.true(Math.max(...part(open.kl, 0, prompt.length)) > 0.1)
})
