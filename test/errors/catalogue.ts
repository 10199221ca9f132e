/** An error as docs/errors.md shows it: what it means, and a program that raises it. */
export interface Entry {
  readonly means: string
  readonly program: string
  /** Where it can be raised. @default Node */
  readonly where?: 'browser'
}

/**
 * One for each code. A program may use what `given.ts` exports, everything of onnsight and every form of the macro; its last line, or one
 * above it, raises the error.
 */
export const catalogue: Readonly<Record<string, Entry>> = {
  'ambiguous-output': {
    means: 'Several values leave the module (or enter it), so `.output` would be a guess.',
    program: `await trace(pair, [1, 2, 3], () => pair.pair.output)`,
  },
  argument: {
    means: 'An operation was given something that it can’t use.',
    program: `tensor([1, 2, 3]).slice('0:3:0')`,
  },
  assertion: {
    means: 'An `assert` of a block does not hold.',
    program: `await trace(model, inputs, () => {
  assert(model.lm_head.output < 5)
})`,
  },
  'batch-axis': {
    means:
      'In a batch of several invokes, a value has no axis with one row for each prompt: exporters flatten rows and tokens into one.',
    program: `const flat = model.nodeNames.find(name => name.endsWith('h.1/mlp/c_fc/Gemm'))!
await trace(model, () => {
  invoke([[1, 2]], () => model.node(flat).output)
  invoke([[3, 4]], () => {})
})`,
  },
  'cache-folder': {
    means: 'The copy of the weights that `cacheFolder` asks for can’t be written. Nothing of it is left behind.',
    program: `await load('test/fixtures/models/chars.onnx', { cacheFolder: '/dev/null/models' })`,
  },
  'cache-too-large': {
    means: 'A `cache()` would hold more than it may. Found before anything runs.',
    program: `await trace(model, inputs, () => cache({ maxBytes: 1024 }))`,
  },
  condition: {
    means:
      'A tensor with more than one element stands where one truth value is needed, or where none can be waited for.',
    program: `await trace(model, inputs, () => {
  if (model.lm_head.output.gt(0)) model.transformer.h[1].output = 0
})`,
  },
  'cuda-unavailable': {
    means: 'CUDA was asked for and its libraries are not here.',
    program: `await load('test/fixtures/models/chars.onnx', { provider: 'cuda' })`,
  },
  cycle: {
    means: 'A value was written where it is itself computed from: an early layer of a late one.',
    program: `await trace(model, inputs, () => {
  const late = model.transformer.h[3].output
  model.transformer.h[0].output = late
  return model.lm_head.output
})`,
  },
  decided: {
    means: 'The model has branches, and the value chose one before the block began: it can’t be changed any more.',
    program: `await trace(branchy, { x: [1, 2, 3], use_fast: true }, () => {
  branchy.tensor('use_fast').set('...', false)
  return branchy.tensor('y')
})`,
  },
  dtype: {
    means: 'A value has a dtype that can’t be used there, or turning it into another would lose something.',
    program: `tensor([true, false]).neg()`,
  },
  'exit-tracing': {
    means: '`stop()` was called where no trace could end.',
    program: `stop()`,
  },
  'external-data': {
    means: 'The weights lie in a file of their own, and it is not there, too short, or changed since.',
    program: `import { copyFileSync } from 'node:fs'
copyFileSync('test/fixtures/models/chars-external.onnx', \`\${folder}/model.onnx\`)
await load(\`\${folder}/model.onnx\`)`,
  },
  fetch: {
    means:
      'In a browser: a model could not be fetched. Its server has no such file, is not reached, or does not allow other sites to read it.',
    where: 'browser',
    program: `await load('/models/nothing.onnx')`,
  },
  generate: {
    means: '`generate` was given a model, prompts or options that it can’t work with.',
    program: `await generate(model, [[18, 47, 56], [57]], { maxNewTokens: 3 })`,
  },
  'implicit-conversion': {
    means: 'A tensor was used as a JavaScript number, by an operator in code that the macro has not seen.',
    program: `const double = (h: never) => h * 2 // not in a block
await trace(model, inputs, () => double(model.lm_head.output as never))`,
  },
  index: {
    means: 'There is no such axis, or no such element.',
    program: `tensor([1, 2, 3]).select(0, 5)`,
  },
  input: {
    means: 'The inputs do not fit what the model takes: a name, dtype or shape.',
    program: `await trace(model, { input_id: [[1, 2]] }, () => model.lm_head.output)`,
  },
  'invalid-graph': {
    means: 'The file is ONNX, and its graph breaks the rules.',
    program: `await load(broken)`,
  },
  'invalid-intervention-graph': {
    means: '`runGraph` was given something that is no intervention graph, or one of another model.',
    program: `await model.runGraph({ version: 7, nodes: [] })`,
  },
  'invalid-tensors-file': {
    means: 'A file is no safetensors file, or the tensors can’t be written to one.',
    program: `await readSafetensors('package.json')`,
  },
  invoke: {
    means: 'An `invoke` stands where none can.',
    program: `await trace(model, inputs, () => {
  invoke([[1, 2]], () => model.lm_head.output)
})`,
  },
  'blocked-layout': {
    means:
      'The file was optimised for one processor: a value’s channels lie in blocks, and its elements in another order than its dims tell.',
    program: `const cnn = await load('test/fixtures/exported/yolo/classic+all/model.onnx')
await cnn.trace({ images: zeros([1, 3, 32, 48]) }, m => m.module('model.1').output)`,
  },
  'load-option': {
    means: 'An option of `load` has a value that it can’t have.',
    program: `await load('test/fixtures/models/chars.onnx', { threads: 0 })`,
  },
  'macro-not-expanded': {
    means: 'A form of the macro was called as it stands: no Babel has expanded it.',
    program: `const macro = await import('onnsight/trace.macro.js')
await macro.trace(model, inputs, () => model.lm_head.output)`,
  },
  'missing-package': {
    means: 'onnxruntime-node is a peer: you install it, in the version that you want.',
    program: `const { load: loadAlone } = (await import(aloneCopy)) as { load: typeof load }
await loadAlone('test/fixtures/models/chars.onnx')`,
  },
  'mixed-traces': {
    means: 'An operation combines values of two traces, and neither has run.',
    program: `await trace(model, inputs, async () => {
  const here = model.lm_head.output.sum()
  await trace(other, [[1, 2]], () => here.add(other.lm_head.output.sum()))
})`,
  },
  'model-not-found': {
    means: 'There is no such file.',
    program: `await load('test/fixtures/models/char.onnx')`,
  },
  'no-such-member': {
    means:
      'A tensor or a node has no such member: nnsight, PyTorch or NumPy have it. JavaScript would give `undefined`, and go on.',
    program: `await trace(model, inputs, () => model.transformer.h[1].output.shape)`,
  },
  'no-value': {
    means:
      'The module is known by its name, but no value passes where it was asked for: it was folded away, or runs several times.',
    program: `await trace(pair, [1, 2, 3], () => pair.pair.lost.output)`,
  },
  'not-a-place': {
    means: 'A computed value was written to: only what was read from the model can be.',
    program: `await trace(model, inputs, () => {
  model.lm_head.output.mul(2).set(s\`:, -1\`, 0)
})`,
  },
  'not-assignable': {
    means: 'What was assigned would be lost: nothing in the model would change.',
    program: `await trace(model, inputs, () => {
  const h = model.transformer.h[1].output as never as number[]
  h[0] = 0
})`,
  },
  'not-computed': {
    means: 'The elements of a value were asked for before the model has run.',
    program: `await trace(model, inputs, () => {
  console.log(model.lm_head.output.data)
})`,
  },
  'not-in-browser': {
    means: 'Something that only Node can do, such as writing a file.',
    where: 'browser',
    program: `const model = await load('/models/chars.onnx')
await model.save('copy.onnx')`,
  },
  'not-onnx': {
    means: 'The file is something else: a web page, a pointer of Git LFS, another kind of model.',
    program: `await load('package.json')`,
  },
  'not-saved': {
    means: 'A value was used after its trace, and nobody had asked to keep it.',
    program: `let hidden!: Tensor
await trace(model, inputs, () => {
  hidden = model.transformer.h[1].output
})
console.log(hidden.data)`,
  },
  'other-branch': {
    means: 'The module lies in a branch that these inputs do not take.',
    program: `const { fast } = branchy
await trace(branchy, { x: [1, 2, 3], use_fast: false }, () => fast.output)`,
  },
  'other-model': {
    means: 'A module of one model was used in the trace of another.',
    program: `await trace(model, inputs, () => other.lm_head.output)`,
  },
  'out-of-memory': {
    means: 'In a browser: a session’s weights don’t fit into WebAssembly, whose addresses have 32 bits.',
    where: 'browser',
    program: `// A model with one weight of 4.3 GiB, in a file of its own.
const chunk = new Uint8Array(2 ** 22)
const weights = new File(Array(1100).fill(chunk), 'huge.data')
const huge = await (await fetch('/huge.onnx')).blob()
await load([new File([huge], 'huge.onnx'), weights])`,
  },
  'out-of-order': {
    means: 'A place was written after its value had gone into one that was forced: the write would come too late.',
    program: `await trace(model, inputs, async () => {
  const logits = await model.lm_head.output.value()
  model.transformer.h[1].output = 0
  return logits
})`,
  },
  'other-realm': {
    means: 'Typed arrays are not Node’s own: Jest gives each test file a set of its own.',
    program: `const own = Float32Array
globalThis.Float32Array = class extends own {} as never
try {
  await load('test/fixtures/models/chars.onnx')
} finally {
  globalThis.Float32Array = own
}`,
  },
  'outside-trace': {
    means: 'A value of the model was asked for where nothing runs.',
    program: `console.log(model.transformer.h[1].output)`,
  },
  'runtime-not-loaded': {
    means:
      'onnxruntime-node is there, and its library is not for this machine, or the tool that runs the program can’t load it.',
    program: `const { load: loadForeign } = (await import(foreignCopy)) as { load: typeof load }
await loadForeign('test/fixtures/models/chars.onnx')`,
  },
  'runtime-version': {
    means:
      'onnxruntime-node or onnxruntime-web is older than onnsight needs: npm was made to take it, by --legacy-peer-deps for one.',
    program: `const { load: loadOld } = (await import(oldCopy)) as { load: typeof load }
await loadOld('test/fixtures/models/chars.onnx')`,
  },
  run: {
    means: 'onnxruntime failed while it ran: the message names the node, or the line that recorded the operation.',
    program: `await trace(model, inputs, () => {
  model.transformer.wte.input = 9999
  return model.lm_head.output
})`,
  },
  save: {
    means: '`save()` or `cache()` was called where no trace is.',
    program: `save(tensor([1, 2]))`,
  },
  scanned: {
    means: 'A scan records and runs nothing: there are dims and dtypes, and no values.',
    program: `await scan(model, inputs, async () => {
  const logits = await model.lm_head.output.value()
  return logits.dims
})`,
  },
  shape: {
    means: 'Shapes do not go together. Found when the line is recorded, before anything runs.',
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
    means: '`iter`, `all` or `next` ask for a step that there is not, or stand outside of `generate`.',
    program: `await generate(model, inputs, { maxNewTokens: 3 }, m => {
  iter([0, 9], () => m.lm_head.output)
})`,
  },
  template: {
    means: 'A template can be read, but asks for something that this model or these values do not have.',
    program: `await trace(model, inputs)\`
  h = transformer.h[1].output
  save x = sofmax(h, -1)
\``,
  },
  'template-syntax': {
    means: 'A template can’t be read. The macro says so at build time; this is the same for the `template` tag.',
    program: `await model.trace(inputs, template\`save x = transformer.h[1.output\`)`,
  },
  'trace-arguments': {
    means: 'A form was given arguments that it can’t use: no model, no block, something that is no module.',
    program: `const opened = load('test/fixtures/models/chars.onnx') as unknown as Model
await trace(opened, inputs, () => opened.lm_head.output)`,
  },
  'trace-ended': {
    means: 'A callback went on after its block had ended.',
    program: `let later!: Promise<void>
await trace(model, inputs, () => {
  later = new Promise<void>(done => setTimeout(done, 20)).then(() => void model.lm_head.output)
})
await later`,
  },
  'two-copies': {
    means: 'Two copies of onnsight are in the program, and what one has made was given to the other.',
    program: `const { tensor: otherTensor } = (await import(secondCopy)) as { tensor: typeof tensor }
tensor([1, 2]).add(otherTensor([3, 4]))`,
  },
  'truncated-model': {
    means: 'The file is cut off: a download that did not end.',
    program: `import { readFileSync, writeFileSync } from 'node:fs'
writeFileSync(\`\${folder}/cut.onnx\`, readFileSync('test/fixtures/models/chars.onnx').subarray(0, 100_000))
await load(\`\${folder}/cut.onnx\`)`,
  },
  'unknown-option': {
    means:
      'A call was given an option that it does not have. `keepdims`, `dtype` and `shape` are taken for `keepdim`, `type` and `dims`.',
    program: `await model.generate([[18, 47]], { maxNewTokens: 2, numBeams: 4 } as never)`,
  },
  'unknown-module': {
    means: 'The model has no module of this name. The nearest names are listed.',
    program: `await trace(model, inputs, () => model.transformer.h[1].mpl.output)`,
  },
  'unknown-name': {
    means: 'There is no such node, value, or entry.',
    program: `model.node('/lm_head/MatMull')`,
  },
  'unknown-operation': {
    means: 'The module has no node of this operation of its own.',
    program: `await trace(model, inputs, () => model.transformer.h[0].mlp.ops.Softmax[0].output)`,
  },
  'unknown-shape': {
    means: 'Something needs dims that are known only when the model has run.',
    program: `await trace(model, inputs, () => model.lm_head.output.gt(0).nonzero().size)`,
  },
  'unreadable-model': {
    means: 'The path leads to something that can’t be read as a file.',
    program: `await load('test')`,
  },
  'unsupported-model': {
    means: 'The model has an operator, or a version of one, that onnxruntime does not have.',
    program: `await load(foreign)`,
  },
  'unsupported-version': {
    means: 'The file is of an opset or IR version that onnxruntime does not take.',
    program: `await load(tooNew)`,
  },
  'unsavable-edit': {
    means:
      'A standing edit does what no ONNX graph can hold, or what its opset has no operation for. Found before a file is touched. A saved edit may not ask for values, nor for dims that differ from input to input.',
    program: `const edited = edit(model, () => {
  if (model.transformer.h[0].output.max().gt(9)) model.transformer.h[1].output = 0
})
await edited.save('edited.onnx')`,
  },
  'unwritable-model': {
    means: 'The model can’t be written there, or not as it is. Nothing is left behind.',
    program: `await model.save('/dev/null/copy.onnx')`,
  },
  'unwritable-parameter': {
    means: 'A quantised weight was written whose operator takes no other matrix than its file’s integers.',
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
    means: 'In a browser: WebGPU was asked for, and there is none.',
    where: 'browser',
    program: `await load('/models/chars.onnx', { provider: 'webgpu' })`,
  },
  worker: {
    means: 'The process of a `WorkerBackend` ended in mid-run, or took longer than it may.',
    program: `const backend = new WorkerBackend({ timeoutMs: 50 })
await trace(model, inputs, { backend }, () => {
  let x = model.lm_head.output.sum().add(new Float32Array(2 ** 20))
  for (let i = 0; i < 50; i++) x = x.reshape(1024, 1024).matmul(x.reshape(1024, 1024))
  return x
})`,
  },
}
