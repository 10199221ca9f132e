import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, tensor } from 'onnsight'
import {
  ablate,
  logitDifference,
  loss,
  type Metric,
  patchActivations,
  pathPatching,
  progressLine,
  SteeringVector,
  type SweepOptions,
  steeringSweep,
} from 'onnsight/study'
import { reference } from './reference.ts'

const model = await load('test/fixtures/models/chars.onnx')
test.after.always(() => model.release())
const { clean, corrupted, line } = reference.prompts
const metric = logitDifference(...reference.answers)
const vector = new SteeringVector(2, tensor(Float32Array.from({ length: 128 }, (_, i) => Math.sin(i))))

/** Each sweep, with enough steps to stop it in the middle. The functions return the numbers and texts of its result. */
const sweeps: Readonly<Record<string, (options: SweepOptions, on?: typeof model) => Promise<unknown>>> = {
  patchActivations: async (options, on = model) =>
    (await patchActivations(on, { clean: [clean], corrupted: [corrupted], metric, ...options })).values.tolist(),
  ablate: async (options, on = model) => (await ablate(on, [line], { metric: loss(), ...options })).values.tolist(),
  pathPatching: async (options, on = model) =>
    (await pathPatching(on, { clean: [clean], corrupted: [corrupted], metric, ...options })).values.tolist(),
  async steeringSweep(options, on = model) {
    const strengths = [-1, 0, 2, 4]
    const { texts, perplexity } = await steeringSweep(on, vector, {
      ...{ prompts: [line], texts: [line], strengths, maxNewTokens: 3 },
      ...options,
    })
    return [texts, perplexity!.tolist()]
  },
}

const newFile = async () => join(await mkdtemp(join(tmpdir(), 'onnsight-sweep-')), 'steps.jsonl')

for (const [name, sweep] of Object.entries(sweeps)) {
  test(`${name} stops on a signal, and goes on from its file with the same result`, async t => {
    const whole = await sweep({})
    const resume = await newFile()
    const controller = new AbortController()
    const reports: number[][] = []
    const stopped = sweep({
      resume,
      signal: controller.signal,
      onProgress(...report) {
        reports.push(report)
        if (report[0] === 2) controller.abort(new Error('enough'))
      },
    })
    await t.throwsAsync(stopped, { message: 'enough' })
    const [, total] = reports[0]
    t.deepEqual(
      reports.map(([done]) => done),
      [1, 2],
    )
    t.true(total > 2)
    t.true(reports.every(([, , left]) => left > 0))
    // As if the program had ended while it wrote a line.
    await writeFile(resume, `${await readFile(resume, 'utf8')}{"step":"pair 0, lay`)
    let runs = 0
    const left: number[] = []
    const rest = await sweep({ resume, onReport: () => runs++, onProgress: (...report) => left.push(report[2]) })
    t.deepEqual(rest, whole)
    t.is(left.length, total)
    t.is(left.at(-1), 0)
    // Once the file has all steps, only the unedited runs remain.
    const runsBefore = runs
    runs = 0
    t.deepEqual(await sweep({ resume, onReport: () => runs++ }), whole)
    t.true(runs < runsBefore, `${runs} ${runsBefore}`)
  })

  test(`${name} refuses a file of another sweep, and of another model`, async t => {
    const resume = await newFile()
    await sweep({ resume })
    const others = Object.entries(sweeps).filter(([other]) => other !== name)
    for (const [, other] of others)
      await t.throwsAsync(other({ resume }), { code: 'study', message: /another `sweep`[\s\S]*name another file/ })
    const edited = model.edit(() => {
      model.transformer.h[0].output = model.transformer.h[0].output.mul(1.1)
    })
    await t.throwsAsync(sweep({ resume }, edited as typeof model), {
      code: 'study',
      message: /was .* when the sweep began[\s\S]*the model that it began with/,
    })
    await writeFile(resume, 'some text\n')
    await t.throwsAsync(sweep({ resume }), { code: 'study', message: /no steps of a sweep/ })
  })

  test(`${name} stops on a signal that was given before, and on one during a run`, async t => {
    await t.throwsAsync(sweep({ signal: AbortSignal.abort(new Error('before')) }), { message: 'before' })
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('during')), 5)
    await t.throwsAsync(sweep({ signal: controller.signal }), { message: 'during' })
  })
}

test('a file serves a longer list of layers; other prompts need another one', async t => {
  const resume = await newFile()
  const patch = (options: object) =>
    patchActivations(model, { clean: [clean], corrupted: [corrupted], metric, resume, ...options } as never)
  const one = await patch({ layers: [1] })
  let computed = 0
  const all = await patch({ onReport: () => computed++ })
  t.deepEqual((all.values.tolist() as number[][])[1], (one.values.tolist() as number[][])[0])
  const lines = (await readFile(resume, 'utf8')).split('\n')
  t.is(lines.filter(text => text.includes('layer 1')).length, 1)
  await t.throwsAsync(patch({ corrupted: [clean] }), { code: 'study', message: /another `corrupted`/ })
  await t.throwsAsync(patch({ part: 'mlp' }), { code: 'study', message: /another `part`/ })
})

test('a log of one’s own, as browsers have, keeps numbers that JSON lacks', async t => {
  const lines: string[] = []
  const log = {
    read: async () => (lines.length === 0 ? undefined : lines.join('')),
    append: async (text: string) => void lines.push(text),
  }

  const odd: Metric = {
    name: 'odd',
    measure: logits => logits.select(1, -1).select(-1, 0).mul(0).log(),
  }
  const run = () => ablate(model, [line], { metric: odd, layers: [0], resume: log })
  const first = await run()
  t.true((first.values.tolist() as number[][]).flat().includes(Number.NEGATIVE_INFINITY))
  const count = lines.length
  const again = await run()
  t.is(lines.length, count)
  t.deepEqual(again.values.tolist(), first.values.tolist())
})

test.serial('a line of progress, on a terminal alone', t => {
  const { stderr } = process
  const written: string[] = []
  const [isTTY, write] = [stderr.isTTY, stderr.write]
  stderr.write = ((text: string) => written.push(text) > 0) as typeof write
  try {
    stderr.isTTY = false
    progressLine()(1, 2, 3)
    stderr.isTTY = true
    const show = progressLine('patching')
    show(1, 4, 7.2)
    show(2, 4, 240)
    show(3, 4, 7800)
    show(4, 4, 0)
  } finally {
    Object.assign(stderr, { isTTY, write })
  }
  t.deepEqual(
    written.map(text => text.replace('\r\u001b[K', '')),
    [
      'patching: 1 of 4, 8 s left',
      'patching: 2 of 4, 4 min left',
      'patching: 3 of 4, 2 h 10 min left',
      'patching: 4 of 4\n',
    ],
  )
})
