import { load, type Model, type Tensor, template, WorkerBackend } from 'onnsight'
import { invoke, session, trace } from 'onnsight/trace.macro'
import { ids } from './ids.ts'
import { type Measure, measure, median, ratio, timed } from './measure.ts'

/** Measures the forms around a trace, compared with traces that are written out by hand. */
export async function constructs(path: string, rounds: number, rest: number): Promise<Measure[]> {
  const model = await load(path, { reuseBytes: 0 })
  const results = [
    await templates(model, rounds, rest),
    await invokes(model, rounds, rest),
    await workers(model, rounds, rest),
    await scans(model),
  ]
  await model.release()
  const kept = await load(path)
  results.push(await sessions(kept, rest))
  await kept.release()
  return results
}

async function templates(model: Model, rounds: number, rest: number): Promise<Measure> {
  const block = template`
    transformer.h[5].mlp.act.output[..., 0:64] = 0
    save logits = lm_head.output
  `
  const [arrow, templated] = await timed(rounds, rest, [
    round =>
      trace(model, [ids(1, round)], () => {
        model.transformer.h[5].mlp.act.output.set('..., 0:64', 0)
        return { logits: model.lm_head.output }
      }),
    round => model.trace([ids(1, round)], block),
  ])
  return ratio('a template against the same block as a function, 1 token', templated, arrow, 1.05)
}

async function invokes(model: Model, rounds: number, rest: number): Promise<Measure> {
  const prompts = (round: number): number[][] => Array.from({ length: 8 }, (_, i) => ids(1, round * 8 + i))
  const one = (m: Model): Tensor => m.lm_head.output
  const [alone, batched] = await timed(Math.ceil(rounds / 3), rest, [
    async round => {
      for (const prompt of prompts(round)) await model.trace([prompt], one)
    },
    round => trace(model, () => prompts(round).map(prompt => invoke([prompt], () => one(model)))),
  ])
  return ratio('8 invokes as one batch against 8 runs, 1 token', batched, alone, 0.5)
}

async function workers(model: Model, rounds: number, rest: number): Promise<Measure> {
  const backend = new WorkerBackend()
  const block = (m: Model): Tensor => m.lm_head.output
  const [here, there] = await timed(rounds, rest, [
    round => model.trace([ids(1, round)], block),
    round => model.trace([ids(1, round)], { backend }, block),
  ])
  backend.release()
  return measure('a round trip to a worker, beside the run, 1 token', there.median - here.median, 'ms')
}

/** Measures scans. Each has other dims, so that none is known from an earlier one. */
async function scans(model: Model): Promise<Measure> {
  const times: number[] = []
  for (let length = 2; length < 14; length++) {
    const start = performance.now()
    await model.scan([ids(length, 0)])
    times.push(performance.now() - start)
  }
  return measure('scan of the model', median(times), 'ms', 30)
}

/** Measures a sweep over layers on one prompt: in a session, and in traces that each run the first layers again. */
async function sessions(model: Model, rest: number): Promise<Measure> {
  const sweep = async (round: number): Promise<void> => {
    await session(model, async () => {
      let h!: Tensor
      await trace(model, [ids(64, round)], () => {
        h = model.transformer.h[5].output
      })
      for (let layer = 6; layer < 12; layer++) {
        await trace(model, [ids(64, round + 1000)], () => {
          model.transformer.h[layer].output = h
          return model.lm_head.output.slice(':, -1')
        })
      }
    })
  }
  // Traces on other inputs run in between, so that nothing is kept from trace to trace.
  const apart = async (round: number): Promise<void> => {
    const h = await model.trace([ids(64, round)], m => m.transformer.h[5].output)
    for (let layer = 6; layer < 12; layer++) {
      await model.trace([ids(64, round * 100 + layer)], m => {
        m.transformer.h[layer].output = h
        return m.lm_head.output.slice(':, -1')
      })
    }
  }
  const [separate, together] = await timed(4, rest, [apart, sweep])
  return ratio('a session of 7 traces on one prompt against separate ones', together, separate, 1)
}
