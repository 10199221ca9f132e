import test from 'ava'
import { load } from 'onnsight'
import { floats, graph, ints, model, node, OnnxType, saved, value } from './hand-graph.ts'

test('the positions that an encoder of pictures counts do not limit the tokens of the text', async t => {
  const rows = (count: number): number[] => Array.from({ length: count * 2 }, (_, i) => i)
  const path = saved(
    model(
      graph({
        nodes: [
          node('Gather', ['words', 'input_ids'], ['text'], {}, '/text/Gather'),
          node('Gather', ['places', 'list'], ['positions'], {}, '/vision/position/Gather'),
          node('Add', ['patches', 'positions'], ['picture'], {}, '/vision/Add'),
        ],
        inputs: [
          value('input_ids', OnnxType.INT64, ['batch', 'tokens']),
          value('patches', OnnxType.FLOAT, ['batch', 3, 2]),
        ],
        outputs: ['text', 'picture'],
        initializers: [
          floats('words', [9, 2], rows(9)),
          floats('places', [3, 2], rows(3)),
          ints('list', [1, 3], [0, 1, 2]),
        ],
      }),
    ),
  )
  const both = await load(path)
  const inputs = {
    input_ids: [[1, 2, 3, 4, 5]],
    patches: [
      [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
    ],
  } as const
  const { text, picture } = await both.run(inputs)
  t.deepEqual(
    [text.dims, picture.tolist()],
    [
      [1, 5, 2],
      [
        [
          [0, 1],
          [2, 3],
          [4, 5],
        ],
      ],
    ],
  )
  // The table of words still limits the ids.
  await t.throwsAsync(both.run({ ...inputs, input_ids: [[9]] }), { message: /vocabulary has 9 tokens/ })
  await both.release()
})
