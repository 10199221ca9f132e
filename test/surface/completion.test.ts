import test from 'ava'
import { type Backend, cache, ExecutionBackend, load, s, type Tracer, template, tensor, WorkerBackend } from 'onnsight'
import { readSurface } from './report.ts'

const surface = readSurface()
const model = await load('test/fixtures/models/chars.onnx')
const inputs = { input_ids: [[18, 47, 56, 57]] }

/** The names that a console offers after a dot: the object's own, and those of its prototypes. */
function offered(object: object): string[] {
  const names = new Set<string>()
  for (let at: object | null = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at) as object | null)
    if (at !== Function.prototype) for (const name of Object.getOwnPropertyNames(at)) names.add(name)
  names.delete('constructor')
  return [...names]
}

test('no member that the package exports is marked as internal', t => {
  const internal = surface.declared.filter(({ docs }) => docs.some(text => text.includes('@internal')))
  t.deepEqual(
    internal.map(({ name }) => name),
    [],
  )
})

test('a console completes what is declared, and nothing else', async t => {
  let tracer!: Tracer
  const backend: Backend = {
    run(given) {
      tracer = given
      return new ExecutionBackend().run(given)
    },
  }
  const objects = await model.trace(inputs, { backend }, m => {
    const all = cache({ modules: m.transformer.h[0] })
    const handle = m.transformer.h[1].output
    const result = handle.mul(2)
    t.deepEqual(offered(handle).sort(), offered(tensor([1])).sort())
    return { handle, result, all }
  })
  tracer.toJSON()
  const shown: Record<string, readonly object[]> = {
    Tensor: [tensor([1, 2]), objects.handle, objects.result],
    Tracer: [tracer],
    Info: [tracer.info!],
    Slice: [s`:, -1`],
    Template: [template`save h = lm_head.output`],
    Cache: [objects.all],
    ModelShapes: [await model.scan(inputs)],
    OperationNode: [model.node(model.nodeNames[0])],
    ExecutionBackend: [new ExecutionBackend()],
    WorkerBackend: [new WorkerBackend()],
    Explanation: [await model.explain(() => model.run(inputs))],
    EngineState: [model.engine],
    Generated: [await model.generate(inputs, { maxNewTokens: 1 })],
  }
  for (const [type, examples] of Object.entries(shown)) {
    const declared = surface.membersOf(type)
    for (const example of examples)
      t.deepEqual(
        offered(example).filter(name => !declared.includes(name)),
        [],
        type,
      )
  }
})

test('a model and its modules complete their children, and what is declared', t => {
  const declared = surface.membersOf('Model')
  for (const module of [model, model.transformer, model.transformer.h, model.transformer.h[0].attn]) {
    const children = module.modules.map(child => child.path.split('.').at(-1)!)
    t.deepEqual(
      offered(module).filter(name => !declared.includes(name) && !children.includes(name)),
      [],
      module.path,
    )
  }
})
