import test from 'ava'
import { load, type OnnsightError, type Tensor } from 'onnsight'
import { floats, graph, ints, node, OnnxType, model as proto, saved, value } from '../model/hand-graph.ts'

const vocabulary = 8
const table = floats(
  'table',
  [vocabulary, vocabulary],
  Array.from({ length: vocabulary ** 2 }, (_, i) =>
    i % vocabulary === (Math.floor(i / vocabulary) + 1) % vocabulary ? 1 : 0,
  ),
)

/** A model whose token after t is t + 1. `near` has only the last five tokens, and `padded` a multiple of four. */
const windowed = saved(
  proto(
    graph({
      nodes: [
        node('Gather', ['table', 'input_ids'], ['logits']),
        node('Slice', ['logits', 'minus5', 'end', 'one'], ['near']),
        node('Shape', ['input_ids'], ['shape']),
        node('Mul', ['shape', 'shape'], ['square']),
        node('Expand', ['unit', 'square'], ['spread']),
        node('Identity', ['logits'], ['all']),
      ],
      inputs: [value('input_ids', OnnxType.INT64, ['batch', 'sequence'])],
      outputs: [value('logits', OnnxType.FLOAT, ['batch', 'sequence', vocabulary])],
      initializers: [
        table,
        ints('minus5', [1], [-5]),
        ints('end', [1], [1000]),
        ints('one', [1], [1]),
        floats('unit', [1, 1], [1]),
      ],
    }),
  ),
  'windowed.onnx',
)

test('dims are right in every step, also where a window cuts them off or they grow faster', async t => {
  const model = await load(windowed)
  const names = ['near', 'spread', 'all']
  const { ids, values } = await model.generate([[1, 2]], { maxNewTokens: 9 }, m =>
    Object.fromEntries(
      names.map(name => {
        const tensor = m.tensor(name)
        // Steps 1 to 3 are scanned. The dims of later ones are predicted if possible.
        return [name, { told: [...tensor.dims], tensor }]
      }),
    ),
  )
  t.deepEqual((ids.tolist() as bigint[][])[0].map(Number), [1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3])
  for (const [step, found] of values.entries()) {
    const count = 2 + step
    t.deepEqual(found.near.tensor.dims, [1, Math.min(5, count), vocabulary])
    t.deepEqual(found.spread.tensor.dims, [1, count ** 2])
    for (const name of names) t.deepEqual(found[name].told, [...found[name].tensor.dims], `${name} in step ${step}`)
  }
  await model.release()
})

test('a model that is no decoder is refused, and told what is missing', async t => {
  const wrong: [Parameters<typeof graph>[0], RegExp][] = [
    [
      {
        nodes: [node('Identity', ['pixels'], ['logits'])],
        inputs: [value('pixels', OnnxType.FLOAT, ['n', 3])],
        outputs: [value('logits', OnnxType.FLOAT, ['n', 3])],
      },
      /no input for token ids that onnsight knows; its inputs are pixels/,
    ],
    [
      {
        nodes: [node('Gather', ['table', 'input_ids'], ['a']), node('Neg', ['a'], ['b'])],
        inputs: [value('input_ids', OnnxType.INT64, ['n', 't'])],
        outputs: [value('a', OnnxType.FLOAT, ['n', 't', 8]), value('b', OnnxType.FLOAT, ['n', 't', 8])],
        initializers: [table],
      },
      /no output for logits that onnsight knows; its outputs are a, b/,
    ],
    [
      {
        nodes: [
          node('Gather', ['table', 'input_ids'], ['logits']),
          node('Identity', ['past_key_values.0.key'], ['kept']),
        ],
        inputs: [
          value('input_ids', OnnxType.INT64, ['n', 't']),
          value('past_key_values.0.key', OnnxType.FLOAT, ['n', 2, 'p', 4]),
        ],
        outputs: [value('logits', OnnxType.FLOAT, ['n', 't', 8]), value('kept', OnnxType.FLOAT, ['n', 2, 'p', 4])],
        initializers: [table],
      },
      /No output of the model belongs to its cache input past_key_values\.0\.key/,
    ],
  ]
  for (const [parts, message] of wrong) {
    const model = await load(saved(proto(graph(parts))))
    const error = (await t.throwsAsync(model.generate([[1]], { maxNewTokens: 1 }))) as OnnsightError
    t.is(error.code, 'generate')
    t.regex(error.message, message)
    await model.release()
  }
})

test('of a model that names them otherwise, ids and logits are found', async t => {
  const model = await load(
    saved(
      proto(
        graph({
          nodes: [node('Gather', ['table', 'tokens'], ['scores'])],
          inputs: [value('tokens', OnnxType.INT64, ['n', 't'])],
          outputs: [value('scores', OnnxType.FLOAT, ['n', 't', 8])],
          initializers: [table],
        }),
      ),
    ),
  )
  const { ids, values } = await model.generate([[3], [6]], { maxNewTokens: 2 }, m => m.tensor('scores'))
  t.deepEqual(ids.tolist() as unknown, [
    [3, 4, 5],
    [6, 7, 0],
  ])
  t.deepEqual(
    values.map((tensor: Tensor) => tensor.dims),
    [
      [2, 1, 8],
      [2, 2, 8],
    ],
  )
  await model.release()
})
