import { cpSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { load, type Model } from 'onnsight'
import { floats, graph, model as handMade, node, OnnxType, saved, value } from '../model/hand-graph.ts'

/* The values that the programs of the catalogue use. */

export const model = await load('test/fixtures/models/chars.onnx')
export const other = await load('test/fixtures/models/induction.onnx')
export const inputs = { input_ids: [[18, 47, 56, 57]] }
export const folder = mkdtempSync(join(tmpdir(), 'onnsight-catalogue-'))

const row = (name: string) => value(name, OnnxType.FLOAT, [3])
const branch = (op: string, scope: string) =>
  graph({ nodes: [node(op, ['x'], [`${scope}_y`], {}, `/${scope}/${op}`)], outputs: [`${scope}_y`] })

/** A model with a module `fast` in one branch and `slow` in the other. The input `use_fast` chooses the branch. */
export const branchy: Model = await load(
  saved(
    handMade(
      graph({
        inputs: [row('x'), value('use_fast', OnnxType.BOOL, [])],
        nodes: [
          node(
            'If',
            ['use_fast'],
            ['y'],
            { then_branch: branch('Exp', 'fast'), else_branch: branch('Neg', 'slow') },
            'choice',
          ),
        ],
        outputs: [row('y')],
      }),
    ),
  ),
)

/** A model whose module `pair` has two outputs, and a part that no node computes. */
export const pair: Model = await load(
  saved(
    handMade(
      graph({
        inputs: [row('x')],
        initializers: [floats('pair.lost.weight', [2], [1, 2])],
        nodes: [node('Exp', ['x'], ['a'], {}, '/pair/Exp'), node('Neg', ['x'], ['b'], {}, '/pair/Neg')],
        outputs: [row('a'), row('b')],
      }),
    ),
  ),
)

/** A model with the same input as `pair`, but without any of its modules. */
export const unlike: Model = await load(
  saved(
    handMade(graph({ inputs: [row('x')], nodes: [node('Abs', ['x'], ['c'], {}, '/other/Abs')], outputs: [row('c')] })),
  ),
)

/** A file whose nodes wait for each other. */
export const broken = saved(
  handMade(
    graph({
      inputs: [row('x')],
      nodes: [node('Exp', ['b'], ['a'], {}, 'hen'), node('Neg', ['a'], ['b'], {}, 'egg')],
      outputs: [row('b')],
    }),
  ),
)

/** A file with an operator that onnxruntime does not have. */
export const foreign = saved(
  handMade(graph({ inputs: [row('x')], nodes: [node('Frobnicate', ['x'], ['y'], {}, 'odd')], outputs: [row('y')] })),
)

/** A file of an opset that does not exist yet. */
export const tooNew = saved(
  handMade(graph({ inputs: [row('x')], nodes: [node('Exp', ['x'], ['y'], {}, 'e')], outputs: [row('y')] }), 99),
)

/** Copies the package with the packages that it needs, except `without`. Returns the path to import. */
function copied(name: string, without: readonly string[]): string {
  const copy = join(folder, name)
  cpSync('dist', join(copy, 'dist'), { recursive: true })
  cpSync('package.json', join(copy, 'package.json'))
  const packages = readdirSync('node_modules').filter(inner => !without.includes(inner))
  mkdirSync(join(copy, 'node_modules'))
  for (const inner of packages) symlinkSync(resolve('node_modules', inner), join(copy, 'node_modules', inner))
  return pathToFileURL(join(copy, 'dist/runtime/index.js')).href
}

export const secondCopy = copied('second', [])
/** A copy without onnxruntime-node. */
export const aloneCopy = copied('alone', ['onnxruntime-node'])

/** A copy of the package whose onnxruntime-node is this code. */
function withRuntime(name: string, code: string): string {
  const copy = copied(name, ['onnxruntime-node'])
  const runtime = join(folder, name, 'node_modules/onnxruntime-node')
  mkdirSync(runtime)
  writeFileSync(join(runtime, 'package.json'), '{ "name": "onnxruntime-node", "main": "index.js" }')
  writeFileSync(join(runtime, 'index.js'), code)
  return copy
}

/** A copy whose onnxruntime-node is a version that is too old. */
export const oldCopy = withRuntime(
  'old',
  `const real = require(${JSON.stringify(resolve('node_modules/onnxruntime-node'))})
exports.InferenceSession = real.InferenceSession
exports.Tensor = real.Tensor
exports.env = { versions: { common: '1.22.0', node: '1.22.0' } }`,
)
/** A copy whose onnxruntime-node has a library for another machine. */
export const foreignCopy = withRuntime('foreign', "throw new Error('libonnxruntime.so.1: wrong ELF class: ELFCLASS32')")
