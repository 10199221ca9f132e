import test from 'ava'
import type { Program } from '#dist/runtime/engine/blocks/program.js'
import type { Demand } from '#dist/runtime/engine/linker/demand.js'
import { place } from '#dist/runtime/engine/linker/place.js'
import type { Unit } from '#dist/runtime/engine/linker/unit.js'
import { Operation } from '#dist/runtime/graph/expression.js'

// A trace of that many operations would take seconds, in recording and in running them.
test('a chain of very many units is placed, in one place, without an overflow of the call stack', t => {
  const operation = new Operation('Neg', '', [], {}, 1, undefined)
  const common = { kind: 'operation', operation, captures: [], isRewired: false } as const
  const units = Array.from(
    { length: 150_000 },
    (_, i): Unit => ({ ...common, inputs: [`${i}`], outputs: [`${i + 1}`] }),
  )
  const producers = new Map(units.map(unit => [unit.outputs[0], unit]))
  const demand = { units, producers, firstBlockOfGradient: undefined } as unknown as Demand
  const program = { opset: 17, blocks: [] } as unknown as Program
  const { positions, unedited } = place(program, demand, ['150000'], new Set())
  t.deepEqual([positions.size, new Set(positions.values()).size, unedited.size], [150_000, 1, 0])
})
