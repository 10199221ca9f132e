/** An error in the form that docs/errors.md shows: its meaning, and a program that raises it. */
export interface Entry {
  readonly means: string
  readonly program: string
  /** Where it can be raised. @default Node */
  readonly where?: 'browser'
}

/**
 * An entry for each code. A program may use the exports of `given.ts`, everything of onnsight and every form of the macro. Its last line, or one
 * above it, raises the error.
 */
export const catalogue: Readonly<Record<string, Entry>> = {
  'ambiguous-output': {
    means: 'The module has several outputs (or inputs), so `.output` would be a guess.',
    program: `await trace(pair, [1, 2, 3], () => pair.pair.output)`,
  },
  argument: {
    means: 'An argument of an operation has the wrong type or value.',
    program: `tensor([1, 2, 3]).slice('0:3:0')`,
  },
  assertion: {
    means: 'An `assert` in a block failed.',
    program: `await trace(model, inputs, () => {
  assert(model.lm_head.output < 5)
})`,
  },
  'batch-axis': {
    means:
      'In a batch of several invokes, a value has no axis with one row for each prompt. Some exporters flatten rows and tokens into one axis.',
    program: `const flat = model.nodeNames.find(name => name.endsWith('h.1/mlp/c_fc/Gemm'))!
await trace(model, () => {
  invoke([[1, 2]], () => model.node(flat).output)
  invoke([[3, 4]], () => {})
})`,
  },
  'cache-folder': {
    means:
      'onnsight can’t write the copy of the weights that `cacheFolder` asks for. It leaves no part of the copy behind.',
    program: `await load('test/fixtures/models/chars.onnx', { cacheFolder: '/dev/null/models' })`,
  },
  'cache-too-large': {
    means: 'A `cache()` would hold more than it may. onnsight checks this before anything runs.',
    program: `await trace(model, inputs, () => cache({ maxBytes: 1024 }))`,
  },
  'compare-inputs': {
    means: '[compare](compare.md) can’t run both models on the same inputs.',
    program: `await compare(model, pair)`,
  },
  'compare-nan': {
    means: 'The model that [compare](compare.md) takes for the right one gives NaN or infinite values itself.',
    program: `await compare(pair, pair, [{ x: [1000, 0, 0] }])`,
  },
  'compare-outputs': {
    means:
      'The outputs of the two models can’t be [compared](compare.md): other dims, such as another vocabulary, or no floats.',
    program: `await compare(model, other, [[1, 2, 3]])`,
  },
  'compare-unrelated': {
    means: '[compare](compare.md) finds no module that both models have, or all of them compute something else.',
    program: `await compare(pair, unlike, [{ x: [1, 2, 3] }])`,
  },
  condition: {
    means:
      'A tensor was used as a condition, but it has more than one element, or it stands where JavaScript can’t wait for its value.',
    program: `await trace(model, inputs, () => {
  if (model.lm_head.output.gt(0)) model.transformer.h[1].output = 0
})`,
  },
  'cuda-unavailable': {
    means: 'You asked for CUDA, but its libraries are not installed.',
    program: `await load('test/fixtures/models/chars.onnx', { provider: 'cuda' })`,
  },
  cycle: {
    means:
      'A place was written with a value that is computed from that place, for example an early layer with the output of a late one.',
    program: `await trace(model, inputs, () => {
  const late = model.transformer.h[3].output
  model.transformer.h[0].output = late
  return model.lm_head.output
})`,
  },
  decided: {
    means:
      'The model has branches, and this value chose one of them before the block began, so you can’t change it any more.',
    program: `await trace(branchy, { x: [1, 2, 3], use_fast: true }, () => {
  branchy.tensor('use_fast').set('...', false)
  return branchy.tensor('y')
})`,
  },
  dtype: {
    means: 'A value has the wrong dtype for this operation, or converting it would lose something.',
    program: `tensor([true, false]).neg()`,
  },
  'exit-tracing': {
    means: '`stop()` was called outside a trace.',
    program: `stop()`,
  },
  'external-data': {
    means: 'The weights are in a file of their own, which is missing, too short, or has changed since.',
    program: `import { copyFileSync } from 'node:fs'
copyFileSync('test/fixtures/models/chars-external.onnx', \`\${folder}/model.onnx\`)
await load(\`\${folder}/model.onnx\`)`,
  },
  fetch: {
    means:
      'In a browser: a model could not be fetched. Its server has no such file, can’t be reached, or does not allow other sites to read it.',
    where: 'browser',
    program: `await load('/models/nothing.onnx')`,
  },
  generate: {
    means: '`generate` can’t work with this model, these prompts or these options.',
    program: `await generate(model, [[18, 47, 56], [57]], { maxNewTokens: 3 })`,
  },
  harvest: {
    means: '[harvest](harvest.md) can’t store these places, or read these documents.',
    program: `await harvest(model, { at: 'transformer.h.*', ids: [[1, 2, 3]], out: folder })`,
  },
  hub: {
    means: 'A model of the Hugging Face hub can’t be had: there is no such model, no access to it, or no connection.',
    program: `await LanguageModel.load('onnx-community/gpt2-ONNX', { offline: true, hubCache: '/tmp/empty-cache' })`,
  },
  'implicit-conversion': {
    means: 'An operator used a tensor as a JavaScript number, in code that the macro does not see.',
    program: `const double = (h: never) => h * 2 // not in a block
await trace(model, inputs, () => double(model.lm_head.output as never))`,
  },
  index: {
    means: 'The tensor has no such axis or element.',
    program: `tensor([1, 2, 3]).select(0, 5)`,
  },
  input: {
    means: 'A name, dtype or shape of the inputs does not match what the model takes.',
    program: `await trace(model, { input_id: [[1, 2]] }, () => model.lm_head.output)`,
  },
  'invalid-graph': {
    means: 'The file is ONNX, but its graph breaks the ONNX rules.',
    program: `await load(broken)`,
  },
  'graph-limit': {
    means:
      'An intervention graph would cost more than the `limits` of `runGraph` or of a server allow. Nothing of it has run.',
    program: `const graph = await model.record(inputs, m => m.lm_head.output.mean().expand([1000, 1000]))
await model.runGraph(graph, { limits: { valueBytes: 1_000_000 } })`,
  },
  'graph-time': {
    means: 'An intervention graph took longer than the `limits` of `runGraph` or of a server allow.',
    program: `const graph = await model.record(inputs, m => m.lm_head.output)
await model.runGraph(graph, { limits: { timeMs: 0 } })`,
  },
  'invalid-intervention-graph': {
    means: '`runGraph` was given something that is not an intervention graph, or a graph of another model.',
    program: `await model.runGraph({ version: 7, nodes: [] })`,
  },
  'invalid-tensors-file': {
    means: 'A file is not a safetensors file, or the tensors can’t be written to one.',
    program: `await readSafetensors('package.json')`,
  },
  invoke: {
    means: '`invoke` was called where it is not possible.',
    program: `await trace(model, inputs, () => {
  invoke([[1, 2]], () => model.lm_head.output)
})`,
  },
  'blocked-layout': {
    means:
      'The file was optimised for one kind of processor: the channels of a value are rearranged into blocks, so its elements are not in the order that its dims say.',
    program: `const cnn = await load('test/fixtures/exported/yolo/classic+all/model.onnx')
await cnn.trace({ images: zeros([1, 3, 32, 48]) }, m => m.module('model.1').output)`,
  },
  'language-model': {
    means:
      'No language model can be loaded from this folder as it is: it has no graph, several that could be meant, or no tokenizer.',
    program: `await LanguageModel.load('test/fixtures/verse')`,
  },
  'load-option': {
    means: 'An option of `load` has a value that is not allowed.',
    program: `await load('test/fixtures/models/chars.onnx', { threads: 0 })`,
  },
  'macro-not-expanded': {
    means: 'A function of the macro was called, but Babel did not expand it at build time.',
    program: `const macro = await import('onnsight/trace.macro.js')
await macro.trace(model, inputs, () => model.lm_head.output)`,
  },
  'missing-package': {
    means:
      'onnxruntime-node is a peer dependency: you install it yourself, in the version you want. So are `vega` and `vega-lite`, by which studies draw.',
    program: `const { load: loadAlone } = (await import(aloneCopy)) as { load: typeof load }
await loadAlone('test/fixtures/models/chars.onnx')`,
  },
  'mixed-traces': {
    means: 'An operation combines values of two traces, and neither of them has run.',
    program: `await trace(model, inputs, async () => {
  const here = model.lm_head.output.sum()
  await trace(other, [[1, 2]], () => here.add(other.lm_head.output.sum()))
})`,
  },
  'model-not-found': {
    means: 'The model’s file does not exist.',
    program: `await load('test/fixtures/models/char.onnx')`,
  },
  'no-such-member': {
    means:
      'A tensor or a node does not have this member (nnsight, PyTorch or NumPy do). Without the error, JavaScript would give `undefined` and go on.',
    program: `await trace(model, inputs, () => model.transformer.h[1].output.shape)`,
  },
  'no-heads': {
    means:
      'The module has no attention, or more than one, or the graph does not have this part of its heads. The message says why.',
    program: `await trace(model, inputs, () => model.transformer.h[1].mlp.heads[0].pattern)`,
  },
  'no-hook': {
    means:
      'The model has nothing that this name of TransformerLens or nnterp stands for, or a cache does not hold it. The message says why.',
    program: `await trace(model, inputs, () => model.hooks['blocks.0.mlp.hook_pre_linear'])`,
  },
  'no-value': {
    means: 'The module’s name is known, but it has no value here: it was folded away, or it runs several times.',
    program: `await trace(pair, [1, 2, 3], () => pair.pair.lost.output)`,
  },
  'not-a-place': {
    means: 'You can write only to places in the model, not to a computed value.',
    program: `await trace(model, inputs, () => {
  model.lm_head.output.mul(2).set(s\`:, -1\`, 0)
})`,
  },
  'gradient-argument': {
    means: 'A gradient was asked of something that has none, or of a value with several elements.',
    program: `await trace(model, inputs, () => grad(model.lm_head.output, model.transformer.h[1].output))`,
  },
  'not-differentiable': {
    means: 'There is no rule for an operator between the place and the value. The message names it.',
    program: `await trace(model, inputs, () => {
  const best = model.lm_head.output.argmax(-1)
  return grad(best.float().sum(), model.transformer.h[1].output)
})`,
  },
  'not-assignable': {
    means: 'The assignment would change nothing in the model, and its value would be lost.',
    program: `await trace(model, inputs, () => {
  const h = model.transformer.h[1].output as never as number[]
  h[0] = 0
})`,
  },
  'not-computed': {
    means: 'The elements of a value were read before the model has run.',
    program: `await trace(model, inputs, () => {
  console.log(model.lm_head.output.data)
})`,
  },
  'not-in-browser': {
    means: 'This works only in Node, for example writing a file.',
    where: 'browser',
    program: `const model = await load('/models/chars.onnx')
await model.save('copy.onnx')`,
  },
  'not-onnx': {
    means: 'The file is not ONNX but something else: a web page, a Git LFS pointer, another kind of model.',
    program: `await load('package.json')`,
  },
  'not-saved': {
    means: 'A value was used after its trace, but it was neither saved nor returned.',
    program: `let hidden!: Tensor
await trace(model, inputs, () => {
  hidden = model.transformer.h[1].output
})
console.log(hidden.data)`,
  },
  'other-branch': {
    means: 'The module is in a branch of the model that these inputs do not run.',
    program: `const { fast } = branchy
await trace(branchy, { x: [1, 2, 3], use_fast: false }, () => fast.output)`,
  },
  'other-harvest': {
    means: 'The folder holds a [harvest](harvest.md) of another model, other places, documents or options.',
    program: `const ids = [[1, 2, 3]]
await harvest(model, { at: 'transformer.h.0.output', ids, out: folder + '/activations' })
await harvest(model, { at: 'transformer.h.1.output', ids, out: folder + '/activations' })`,
  },
  'other-model': {
    means: 'A module of one model was used in the trace of another.',
    program: `await trace(model, inputs, () => other.lm_head.output)`,
  },
  'out-of-memory': {
    means: 'In a browser: the weights of a session don’t fit into WebAssembly’s memory, which has at most 4 GiB.',
    where: 'browser',
    program: `// A model with one weight of 4.3 GiB, in a file of its own.
const chunk = new Uint8Array(2 ** 22)
const weights = new File(Array(1100).fill(chunk), 'huge.data')
const huge = await (await fetch('/huge.onnx')).blob()
await load([new File([huge], 'huge.onnx'), weights])`,
  },
  'out-of-order': {
    means: 'A place was written after a value that depends on it had been computed, so the write would come too late.',
    program: `await trace(model, inputs, async () => {
  const logits = await model.lm_head.output.value()
  model.transformer.h[1].output = 0
  return logits
})`,
  },
  'other-realm': {
    means: 'The typed arrays are not Node’s own, because Jest gives each test file its own.',
    program: `const own = Float32Array
globalThis.Float32Array = class extends own {} as never
try {
  await load('test/fixtures/models/chars.onnx')
} finally {
  globalThis.Float32Array = own
}`,
  },
  'outside-trace': {
    means: 'A value of the model was used outside a trace.',
    program: `console.log(model.transformer.h[1].output)`,
  },
  position: {
    means: 'There is no token at a place in the prompt, or it is at another position in each prompt of a batch.',
    program: `const chars = await LanguageModel.load('test/fixtures/models/chars.onnx')
chars.tokens('First Citizen').at('Paris')`,
  },
  prompt: {
    means:
      'A text can’t be given to the model: it has no tokens, or more than the model’s context, or characters that its vocabulary lacks.',
    program: `const chars = await LanguageModel.load('test/fixtures/models/chars.onnx')
await chars.run('naïve')`,
  },
  queue: {
    means:
      'A [queue](many-machines.md) can’t be reached under this address, or jobs in it failed as often as they may.',
    program: `await harvest(model, {
  at: 'transformer.h.0.output',
  ids: [[1, 2, 3]],
  out: folder + '/queued',
  queue: 'http://localhost',
})`,
  },
  'runtime-not-loaded': {
    means:
      'onnxruntime-node is installed, but its library is for another kind of machine, or the tool that runs the program can’t load it.',
    program: `const { load: loadForeign } = (await import(foreignCopy)) as { load: typeof load }
await loadForeign('test/fixtures/models/chars.onnx')`,
  },
  'runtime-version': {
    means:
      'onnxruntime-node or onnxruntime-web is older than onnsight needs. npm installs such a version only if forced, for example with --legacy-peer-deps.',
    program: `const { load: loadOld } = (await import(oldCopy)) as { load: typeof load }
await loadOld('test/fixtures/models/chars.onnx')`,
  },
  refused: {
    means:
      'A [server](serve.md) does not do this for you: it needs a token, a quota is used up, or the place is out of reach.',
    program: `const server = await serve(['test/fixtures/models/chars.onnx'])
try {
  const remote = await load(\`\${server.url}/models/chars\`)
  await remote.trace(inputs, m => m.lm_head.weights.weight)
} finally {
  await server.close()
}`,
  },
  remote: {
    means: 'A model on a [server](serve.md) can’t be reached, or does not do what needs its weights here.',
    program: `const backend = new RemoteBackend('http://127.0.0.1:2/models/chars')
await trace(model, inputs, { backend }, () => model.lm_head.output)`,
  },
  run: {
    means: 'onnxruntime failed during a run. The message names the node, or the line that recorded the operation.',
    program: `await trace(model, inputs, () => {
  model.transformer.wte.input = 9999
  return model.lm_head.output
})`,
  },
  save: {
    means: '`save()` or `cache()` was called outside a trace.',
    program: `save(tensor([1, 2]))`,
  },
  scanned: {
    means: 'A scan records the block but runs nothing, so it has dims and dtypes but no values.',
    program: `await scan(model, inputs, async () => {
  const logits = await model.lm_head.output.value()
  return logits.dims
})`,
  },
  serve: {
    means: '`serve` can’t serve these models.',
    program: `await serve([])`,
  },
  shape: {
    means: 'Shapes do not fit together. onnsight finds this when it records the line, before anything runs.',
    program: `const direction = tensor(new Float32Array(64))
await trace(model, inputs, () => {
  const h = model.transformer.h[2].output
  model.transformer.h[2].output = h.mul(direction)
})`,
  },
  skipped: {
    means: 'Something inside a skipped module was read or written.',
    program: `await trace(model, inputs, () => {
  skip(model.transformer.h[1])
  return model.transformer.h[1].mlp.output
})`,
  },
  step: {
    means: '`iter`, `all` or `next` asks for a step that does not exist, or was called outside `generate`.',
    program: `await generate(model, inputs, { maxNewTokens: 3 }, m => {
  iter([0, 9], () => m.lm_head.output)
})`,
  },
  study: {
    means: 'A [study](studies.md) needs a part that this model does not have, or can’t work with these prompts.',
    program: `await logitLens(pair, [1, 2, 3])`,
  },
  sweep: {
    means: 'A [sweep](sweep.md) can’t be made like this, or the file is not its table.',
    program: `await sweep({ model, over: { layer: [] }, inputs, measure: m => m.lm_head.output.max() })`,
  },
  template: {
    means: 'The template’s syntax is right, but it uses something that this model or these values do not have.',
    program: `await trace(model, inputs)\`
  h = transformer.h[1].output
  save x = sofmax(h, -1)
\``,
  },
  'template-syntax': {
    means:
      'A template has a syntax error. With the macro this is an error at build time; with the `template` tag it is thrown at run time.',
    program: `await model.trace(inputs, template\`save x = transformer.h[1.output\`)`,
  },
  'trace-arguments': {
    means: 'A form was given arguments that it can’t use: no model, no block, something that is not a module.',
    program: `const opened = load('test/fixtures/models/chars.onnx') as unknown as Model
await trace(opened, inputs, () => opened.lm_head.output)`,
  },
  'trace-ended': {
    means: 'A callback ran on after its block had ended.',
    program: `let later!: Promise<void>
await trace(model, inputs, () => {
  later = new Promise<void>(done => setTimeout(done, 20)).then(() => void model.lm_head.output)
})
await later`,
  },
  'two-copies': {
    means: 'The program contains two copies of onnsight, and a tensor or model from one was passed to the other.',
    program: `const { tensor: otherTensor } = (await import(secondCopy)) as { tensor: typeof tensor }
tensor([1, 2]).add(otherTensor([3, 4]))`,
  },
  'truncated-model': {
    means: 'The file is incomplete, for example because a download was interrupted.',
    program: `import { readFileSync, writeFileSync } from 'node:fs'
writeFileSync(\`\${folder}/cut.onnx\`, readFileSync('test/fixtures/models/chars.onnx').subarray(0, 100_000))
await load(\`\${folder}/cut.onnx\`)`,
  },
  'unknown-option': {
    means:
      'A function was given an option that it does not have. (`keepdims`, `dtype` and `shape` are accepted as `keepdim`, `type` and `dims`.)',
    program: `await model.generate([[18, 47]], { maxNewTokens: 2, beams: 4 } as never)`,
  },
  'unknown-module': {
    means: 'The model has no module of this name. The nearest names are listed.',
    program: `await trace(model, inputs, () => model.transformer.h[1].mpl.output)`,
  },
  'unknown-name': {
    means: 'The model has no such node or value, or the cache no such entry.',
    program: `model.node('/lm_head/MatMull')`,
  },
  'unknown-operation': {
    means: 'The module itself has no node of this operation; its children may have one.',
    program: `await trace(model, inputs, () => model.transformer.h[0].mlp.ops.Softmax[0].output)`,
  },
  'unknown-shape': {
    means: 'Something needs dims that are known only after the model has run.',
    program: `await trace(model, inputs, () => model.lm_head.output.gt(0).nonzero().size)`,
  },
  'unreadable-model': {
    means: 'The path does not lead to a file that can be read.',
    program: `await load('test')`,
  },
  'unsupported-model': {
    means: 'The model has an operator, or a version of one, that onnxruntime does not have.',
    program: `await load(foreign)`,
  },
  'unsupported-version': {
    means: 'The file has an opset or IR version that onnxruntime does not support.',
    program: `await load(tooNew)`,
  },
  'unsavable-edit': {
    means:
      'An edit can’t be saved, because it does something that an ONNX graph can’t express or that its opset has no operation for. A saved edit can’t ask for values, nor for dims that differ between inputs. onnsight checks this before it touches a file.',
    program: `const edited = edit(model, () => {
  if (model.transformer.h[0].output.max().gt(9)) model.transformer.h[1].output = 0
})
await edited.save('edited.onnx')`,
  },
  'unwritable-model': {
    means: 'The model can’t be written there, or not in this form. No partial file is left behind.',
    program: `await model.save('/dev/null/copy.onnx')`,
  },
  'unwritable-parameter': {
    means: 'A quantised weight was written, but its operator can only use the integers that the file stores.',
    program: `const cnn = await load('test/fixtures/exported/yolo/classic+qoperator/model.onnx')
await cnn.trace({ images: zeros([1, 3, 32, 48]) }, m => {
  const { weights } = m.module('detect')
  weights.weight = weights.weight.mul(2)
})`,
  },
  'use-after-release': {
    means: 'The model was used after `release()`.',
    program: `const opened = await load('test/fixtures/models/chars.onnx')
await opened.release()
await opened.run(inputs)`,
  },
  'webgpu-unavailable': {
    means: 'In a browser: you asked for WebGPU, but the browser has none.',
    where: 'browser',
    program: `await load('/models/chars.onnx', { provider: 'webgpu' })`,
  },
  worker: {
    means: 'The process of a `WorkerBackend` ended in the middle of a run, or took longer than its limit.',
    program: `const backend = new WorkerBackend({ timeoutMs: 50 })
await trace(model, inputs, { backend }, () => {
  let x = model.lm_head.output.sum().add(new Float32Array(2 ** 20))
  for (let i = 0; i < 50; i++) x = x.reshape(1024, 1024).matmul(x.reshape(1024, 1024))
  return x
})`,
  },
}
