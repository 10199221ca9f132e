import { Worker } from 'node:worker_threads'
import test from 'ava'

/** The linker gets a chain of units without a model: a trace of that many operations would take seconds to record and to run. */
const program = `
  const { parentPort } = require('node:worker_threads')
  Promise.all([import('#dist/runtime/engine/linker/place.js'), import('#dist/runtime/graph/expression.js')]).then(
    ([{ place }, { Operation }]) => {
      const operation = new Operation('Neg', '', [], {}, 1, undefined)
      const common = { kind: 'operation', operation, captures: [], isRewired: false }
      const units = Array.from({ length: 50_000 }, (_, i) => ({ ...common, inputs: [\`\${i}\`], outputs: [\`\${i + 1}\`] }))
      const producers = new Map(units.map(unit => [unit.outputs[0], unit]))
      const { positions } = place({ opset: 17, blocks: [] }, { units, producers }, ['50000'], new Set())
      parentPort.postMessage([positions.size, new Set(positions.values()).size])
    },
  )
`

test('a chain of very many units is placed, in one place, by a thread with a small call stack', async t => {
  const thread = new Worker(program, { eval: true, resourceLimits: { stackSizeMb: 0.3 } })
  const placed = await new Promise((resolve, reject) => thread.on('message', resolve).on('error', reject))
  await thread.terminate()
  t.deepEqual(placed, [50_000, 1])
})
