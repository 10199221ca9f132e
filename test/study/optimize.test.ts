import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, readSafetensors, type Tensor, tensor, zeros } from 'onnsight'
import {
  adam,
  adamw,
  cosine,
  linear,
  type OptimizeOptions,
  type Optimizer,
  optimize,
  SteeringVector,
  sgd,
  warmup,
} from 'onnsight/study'
import { encode, off } from './reference.ts'

/** Steps of torch.optim on |A x − b|² (test/reference/make_attribution.py). */
const { optimisers: due } = JSON.parse(readFileSync('test/reference/attribution.json', 'utf8')) as {
  optimisers: Record<string, number[][]> & { readonly closed: number[]; readonly b: number[] }
}

const model = await load('test/fixtures/models/chars.onnx')
const folder = mkdtempSync(join(tmpdir(), 'optimize-'))
test.after.always(async () => {
  rmSync(folder, { recursive: true })
  await model.release()
})

const [a, b] = [tensor(due.a), tensor(due.b as unknown as number[])]
const squares = ({ x }: { x: Tensor }) => a.matmul(x.unsqueeze(-1)).squeeze(-1).sub(b).pow(2).sum()
const start = { x: tensor([0.5, -0.5]) }
type Given = Partial<OptimizeOptions<{ x: Tensor }>>
const fit = (options: Given = {}) =>
  optimize(model, { inputs: [[1]], parameters: start, loss: squares, steps: 5, ...options })
const numbers = (one: Tensor) => one.tolist() as number[]

const optimizers: readonly (readonly [string, Optimizer, Given?])[] = [
  ['sgd', sgd({ learningRate: 0.02 })],
  ['momentum', sgd({ learningRate: 0.02, momentum: 0.9 })],
  ['nesterov', sgd({ learningRate: 0.02, momentum: 0.9, nesterov: true })],
  ['sgd_decay', sgd({ learningRate: 0.02, weightDecay: 0.1 })],
  ['adam', adam({ learningRate: 0.1 })],
  ['adam_decay', adam({ learningRate: 0.1, weightDecay: 0.1 })],
  ['adamw', adamw({ learningRate: 0.1, weightDecay: 0.1 })],
  ['clipped', adam({ learningRate: 0.1 }), { clip: 1 }],
  ['cosine', adam({ learningRate: 0.1 }), { schedule: cosine() }],
]
for (const [name, optimizer, more] of optimizers)
  test(`${name} takes the steps of torch.optim`, async t => {
    for (const steps of [1, 2, 5]) {
      // The cosine of PyTorch falls over five steps.
      const schedule = more?.schedule && ((step: number) => more.schedule!(step, 5))
      const found = await fit({ optimizer, steps, ...more, ...(schedule ? { schedule } : {}) })
      const far = numbers(found.parameters.x).map((one, i) => Math.abs(one - due[name][steps - 1][i]))
      t.true(Math.max(...far) < 2e-6, `${steps} steps`)
    }
    t.deepEqual(numbers(start.x), [0.5, -0.5])
  })

test('enough steps reach the closed-form solution of least squares', async t => {
  const found = await fit({ optimizer: sgd({ learningRate: 0.03, momentum: 0.8 }), steps: 300 })
  t.true(off(numbers(found.parameters.x), due.closed) < 1e-4)
  t.is(found.losses.size, 300)
  t.is(found.reason, 'steps')
  t.deepEqual(found.axes[0].labels.length, 300)
})

test('schedules begin and end where they should', t => {
  t.is(cosine()(0, 10), 1)
  t.true(Math.abs(cosine()(5, 10) - 0.5) < 1e-12)
  t.is(linear()(5, 10), 0.5)
  const warm = warmup(3, linear())
  t.deepEqual(
    [0, 1, 2, 3, 8].map(step => warm(step, 13)),
    [0.25, 0.5, 0.75, 1, 0.5],
  )
})

test('it ends early when the loss no longer falls, or when it is told to', async t => {
  const rising = await fit({ optimizer: sgd({ learningRate: 0.2 }), steps: 30, patience: 3 })
  t.is(rising.reason, 'patience')
  t.true(rising.losses.size < 10)
  const steps: number[] = []
  const told = await fit({
    steps: 30,
    until({ step, loss, gradientLength, learningRate }) {
      steps.push(step)
      t.true(loss > 0 && gradientLength > 0)
      t.is(learningRate, 0.01)
      return step === 3
    },
  })
  t.is(told.reason, 'until')
  t.deepEqual(steps, [0, 1, 2, 3])
})

test('a stopped optimisation goes on from its file, with the numbers of one that was not stopped', async t => {
  for (const optimizer of [sgd({ learningRate: 0.01, momentum: 0.9 }), adam({ learningRate: 0.05 })]) {
    const path = join(folder, `${optimizer.slots.join('')}.safetensors`)
    const whole = await fit({ optimizer, steps: 12, schedule: linear() })
    const stop = new AbortController()
    const progress: number[] = []
    const options: Given = { optimizer, steps: 12, schedule: linear(), resume: path, saveEvery: 5 }
    await t.throwsAsync(
      fit({
        ...options,
        signal: stop.signal,
        onProgress: done => void (done === 7 && stop.abort(new Error('enough'))),
      }),
      { message: 'enough' },
    )
    t.true(existsSync(path))
    const resumed = await fit({ ...options, onProgress: done => void progress.push(done) })
    t.deepEqual(progress, [8, 9, 10, 11, 12])
    t.deepEqual(numbers(resumed.parameters.x), numbers(whole.parameters.x))
    t.deepEqual(numbers(resumed.losses), numbers(whole.losses))
    const again = await fit({ ...options, onProgress: () => t.fail() })
    t.deepEqual(numbers(again.parameters.x), numbers(whole.parameters.x))
    await t.throwsAsync(
      optimize(model, {
        inputs: [[1]],
        parameters: { y: zeros([2]) },
        loss: ({ y }) => y.sum(),
        steps: 1,
        optimizer,
        resume: path,
      }),
      { code: 'study', message: /parameter\.y|parameter\.x/ },
    )
    await t.throwsAsync(fit({ ...options, parameters: { x: zeros([3]) } }), { code: 'study', message: /dims \[2\]/ })
    await t.throwsAsync(fit({ ...options, optimizer: sgd() }), { code: 'study', message: /belongs to no parameter/ })
  }
})

test('a steering vector and a linear map learn on a frozen model, and change what it says as an edit', async t => {
  const prompt = [encode('What light ')]
  const answer = encode('Z')[0]
  const layer = () => model.module('transformer.h').at(1)
  const logProbability = () => model.module('lm_head').output.select(1, -1).logSoftmax(-1).select(-1, answer)
  const found = await optimize(model, {
    inputs: prompt,
    parameters: { v: zeros([128]), map: zeros([128, 128]) },
    steps: 40,
    optimizer: adam({ learningRate: 0.02 }),
    loss({ v, map }) {
      layer().output = layer().output.add(layer().output.matmul(map)).add(v)
      return logProbability().mean().neg()
    },
  })
  const losses = numbers(found.losses)
  t.true(losses[39] < 0.1 * losses[0])
  const path = join(folder, 'found.safetensors')
  await found.save(path)
  t.deepEqual(numbers((await readSafetensors(path)).v), numbers(found.parameters.v))
  const { v, map } = found.parameters
  const edited = model.edit(() => {
    layer().output = layer().output.add(layer().output.matmul(map)).add(v)
  })
  const [before] = numbers(await model.trace(prompt, logProbability))
  const [after] = numbers(await edited.trace(prompt, logProbability))
  t.true(after > before + 3)
  t.true(Math.abs(before + losses[0]) < 1e-4)
  const steered = new SteeringVector(1, v).apply(model, 1)
  const added = model.edit(() => {
    layer().output = layer().output.add(v)
  })
  t.deepEqual(numbers(await steered.trace(prompt, logProbability)), numbers(await added.trace(prompt, logProbability)))
  t.regex(String(found), /Optimised v \[128\], map \[128, 128\]/)
  t.regex((await found.plot()).svg, /loss/)
})

test('a soft prompt learns in the place of embeddings, with inputs that change from step to step', async t => {
  const seen: number[] = []
  const found = await optimize(model, {
    inputs(step) {
      seen.push(step)
      return [[1, 2, 3, ...encode(step % 2 ? 'light' : 'night')]]
    },
    parameters: { soft: zeros([1, 3, 128]) },
    steps: 30,
    optimizer: adam({ learningRate: 0.05 }),
    loss({ soft }) {
      model.hooks.hook_embed.set([{}, { stop: 3 }], soft)
      return model.module('lm_head').output.select(1, -1).logSoftmax(-1).select(-1, encode('q')[0]).mean().neg()
    },
  })
  t.deepEqual(seen, [...Array(30).keys()])
  const losses = numbers(found.losses)
  t.true(losses[29] < losses[0] - 1)
})

test('what can’t be optimised is named', async t => {
  const loss = squares
  await t.throwsAsync(fit({ parameters: {} as never }), { message: /no parameters/ })
  await t.throwsAsync(fit({ parameters: { x: tensor([1], { type: 'int64' }) } }), { message: /x is of type int64/ })
  await t.throwsAsync(fit({ steps: 1.5 }), { message: /steps is 1.5/ })
  await t.throwsAsync(fit({ clip: 0 }), { message: /clip is 0/ })
  await t.throwsAsync(fit({ optimizer: {} as never }), { message: /no function update/ })
  await t.throwsAsync(fit({ loss: ({ x }) => x }), { code: 'study', message: /the loss has dims \[2\]/ })
  await t.throwsAsync(fit({ loss: (() => 3) as never }), { code: 'study', message: /the loss is no tensor/ })
  await t.throwsAsync(fit({ optimizer: sgd({ learningRate: 1e9 }), steps: 50 }), {
    code: 'study',
    message: /the loss is/,
  })
  await t.throwsAsync(fit({ loss, surplus: 1 } as never), { message: /surplus/ })
})
