import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, type Model, type OnnsightError, tensor } from 'onnsight'
import * as ort from 'onnxruntime-node'
import type { GraphProto } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { floats, graph, ints, model, node, OnnxType, saved, value } from '../model/hand-graph.ts'

// Conditions that are constants, and too many conditions to try all combinations. The expected values are onnxruntime's, for the unedited file.

const folder = mkdtempSync(join(tmpdir(), 'onnsight-branches-'))
const row = (name: string) => value(name, OnnxType.FLOAT, [3])
const flag = (name: string) => value(name, OnnxType.BOOL, [])
const xs = Float32Array.of(1, -2, 3)

async function bare(path: string, flags: Record<string, boolean> = {}): Promise<number[]> {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4 })
  const given = Object.entries(flags).map(([name, on]) => [name, new ort.Tensor('bool', [on], [])] as const)
  const { y } = await session.run({ x: new ort.Tensor('float32', xs, [3]), ...Object.fromEntries(given) })
  await session.release()
  return Array.from(y.data as Float32Array)
}

const ours = (flags: Record<string, boolean> = {}) => ({
  x: tensor(xs),
  ...Object.fromEntries(Object.entries(flags).map(([name, on]) => [name, tensor(on ? 1 : 0, { type: 'bool' })])),
})
const run = async (m: Model, flags: Record<string, boolean> = {}): Promise<number[]> =>
  Array.from((await m.run(ours(flags))).y.data as Float32Array)

const body = (op: string, from: string, to: string, more: Parameters<typeof node>[] = []): GraphProto =>
  graph({
    nodes: [...more.map(args => node(...args)), node(op, [from], [to], {}, `/inner/${op}_${to}`)],
    outputs: [to],
  })

/** An If with a constant condition, in whose branch is another If with a condition computed from a constant, and an If with its own weight. */
const constants = () =>
  saved(
    model(
      graph({
        inputs: [row('x')],
        initializers: [ints('one', [], [1]), ints('two', [], [2]), floats('half', [], [0.5])],
        nodes: [
          node('Less', ['one', 'two'], ['is_less'], {}, 'less'),
          node('Tanh', ['x'], ['h'], {}, '/first/Tanh'),
          node(
            'If',
            ['is_less'],
            ['z'],
            {
              then_branch: graph({
                nodes: [
                  node('Not', ['is_less'], ['is_not'], {}, 'not'),
                  node('Mul', ['h', 'scale'], ['m'], {}, '/outer/Mul'),
                  node(
                    'If',
                    ['is_not'],
                    ['i'],
                    { then_branch: body('Abs', 'm', 'p'), else_branch: body('Sin', 'm', 'q') },
                    'inner_if',
                  ),
                ],
                initializers: [floats('scale', [3], [2, 3, 4])],
                outputs: ['i'],
              }),
              else_branch: body('Neg', 'h', 'n'),
            },
            'outer_if',
          ),
          node('Exp', ['z'], ['y'], {}, '/last/Exp'),
        ],
        outputs: [row('y')],
      }),
    ),
  )

test('a branch that a constant decides is a part of the model: it is read and written, and its edits are saved', async t => {
  const path = constants()
  const m = await load(path)
  t.deepEqual(await run(m), await bare(path))
  t.true(m.tensorNames.includes('m'))
  for (const [name, edit] of Object.entries<(m: Model) => void>({
    'before the branch': m => {
      m.node('/first/Tanh').output = m.node('/first/Tanh').output.add(0.25)
    },
    'in the outer branch': m => {
      m.node('/outer/Mul').output = m.node('/outer/Mul').output.mul(2)
    },
    'in the inner branch': m => {
      m.node('/inner/Sin_q').output = m.node('/inner/Sin_q').output.sub(1)
    },
    'behind the branch': m => {
      m.node('/last/Exp').output = m.node('/last/Exp').output.mul(m.tensor('z').mean())
    },
  })) {
    const edited = m.edit(edit)
    const got = await run(edited)
    t.notDeepEqual(got, await run(m), name)
    const to = join(folder, `${name}.onnx`)
    await edited.save(to)
    t.deepEqual(await bare(to), got, name)
    const again = await load(to)
    t.deepEqual(await run(again), got, name)
    await again.release()
  }
  await m.release()
})

/** Several Ifs in a row. Each has its own input as the condition, or two share one. */
function manyIfs(count: number, perFlag: number): { path: string; flags: string[] } {
  const flags = Array.from({ length: count / perFlag }, (_, i) => `flag_${i}`)
  const nodes = Array.from({ length: count }, (_, i) => [
    node(
      'If',
      [flags[Math.floor(i / perFlag)]],
      [i === count - 1 ? 'y' : `v${i}`],
      {
        then_branch: body(i % 2 ? 'Tanh' : 'Sin', i === 0 ? 'h' : `w${i - 1}`, `t${i}`),
        else_branch: body('Neg', i === 0 ? 'h' : `w${i - 1}`, `e${i}`),
      },
      `if_${i}`,
    ),
    ...(i === count - 1 ? [] : [node('Add', [`v${i}`, 'tenth'], [`w${i}`], {}, `/between/Add_${i}`)]),
  ]).flat()
  return {
    flags,
    path: saved(
      model(
        graph({
          inputs: [row('x'), ...flags.map(flag)],
          initializers: [floats('tenth', [], [0.1])],
          nodes: [node('Abs', ['x'], ['h'], {}, '/first/Abs'), ...nodes],
          outputs: [row('y')],
        }),
      ),
    ),
  }
}

for (const [count, perFlag] of [
  [7, 1],
  [12, 2],
  [20, 1],
])
  test(`${count} branches by ${count / perFlag} inputs: loaded, edited between them, and saved`, async t => {
    t.timeout(120_000)
    const { path, flags } = manyIfs(count, perFlag)
    const m = await load(path)
    const edited = m.edit(inner => {
      inner.node('/between/Add_2').output = inner.node('/between/Add_2').output.mul(3)
    })
    const to = join(folder, `many-${count}.onnx`)
    await edited.save(to)
    for (const pattern of [0, 1, 5, 2 ** flags.length - 1]) {
      const chosen = Object.fromEntries(flags.map((name, i) => [name, ((pattern >> i) & 1) === 1]))
      t.deepEqual(await run(m, chosen), await bare(path, chosen))
      const got = await run(edited, chosen)
      t.notDeepEqual(got, await run(m, chosen))
      t.deepEqual(await bare(to, chosen), got)
    }
    const inside = m.edit(inner => {
      inner.node('/inner/Neg_e3').output = 0
    })
    const error = await t.throwsAsync<OnnsightError>(inside.save(join(folder, 'never.onnx')))
    t.regex(error.message, /branch/)
    await m.release()
  })
