import test from 'ava'
import { load } from 'onnsight'
import { handleOf } from '#dist/runtime/model/modules/module.js'
import { findLayers } from '#dist/runtime/names/layers.js'
import { graph, model, node, OnnxType, saved, value } from '../model/hand-graph.ts'
import { Random, stored } from './stored.ts'

/** The nodes of a layer that is large enough to count as one. */
const layer = (at: number, from: string, to: string) =>
  Array.from({ length: 8 }, (_, i) =>
    node(
      'Add',
      [i === 0 ? from : `${at}_${i - 1}`, `scale_${at}`],
      [i === 7 ? to : `${at}_${i}`],
      {},
      `/layers.${at}/Add_${i}`,
    ),
  )

test('layers are in the order in which they run, also where the exporter wrote a constant of a later one first', async t => {
  const path = saved(
    model(
      graph({
        nodes: [
          node('Identity', ['weight'], ['scale_1'], {}, '/layers.1/Identity'),
          node('Identity', ['weight'], ['scale_0'], {}, '/layers.0/Identity'),
          ...layer(0, 'x', 'middle'),
          ...layer(1, 'middle', 'y'),
        ],
        inputs: [value('x', OnnxType.FLOAT, ['batch', 4])],
        outputs: ['y'],
        initializers: [stored('weight', [4], new Random(3).floats(4))],
      }),
    ),
  )
  const opened = await load(path)
  const { tree } = handleOf(opened)!.binding.taps
  t.deepEqual(
    findLayers(tree).map(({ path }) => path),
    ['layers.0', 'layers.1'],
  )
  await opened.release()
})
