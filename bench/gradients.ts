import { grad, load, type Model, type Tensor } from 'onnsight'
import { integratedGradients, logProbability } from 'onnsight/study'
import * as ort from 'onnxruntime-node'
import { feed, ids } from './ids.ts'
import { type Measure, measure, median, ratio, timed } from './measure.ts'
import { privateDirty } from './memory.ts'

const TOKENS = 64
const LAYERS = 12

/** The log-probability of one token after the last position, which attributions differentiate. */
const ofLast = (m: Model): Tensor => m.lm_head.output.slice('0, -1').logSoftmax(-1).slice('5')

/** The cross entropy of all positions, which training differentiates. It reads the logits of the whole vocabulary. */
const ofAll = (m: Model, seed: number): Tensor =>
  m.lm_head.output.slice('0, :-1').crossEntropy(ids(TOKENS, seed).slice(1))

/** What a gradient costs against the forward run of plain onnxruntime, and the first one of a new place. */
export async function gradients(kind: string, path: string, rounds: number, rest: number): Promise<Measure[]> {
  const bare = await ort.InferenceSession.create(path)
  const model = await load(path, { reuseBytes: 0 })
  const gradientAt = (layer: number, loss: (m: Model, seed: number) => Tensor) => (round: number) =>
    model.trace([ids(TOKENS, round)], m =>
      grad(loss(m, round), layer < 0 ? m.transformer.h[0].input : m.transformer.h[layer].output),
    )
  const patching = (round: number) =>
    model.trace([ids(TOKENS, round)], m =>
      grad(
        ofLast(m),
        [...m.transformer.h].map(layer => layer.output),
      ),
    )
  for (let i = 0; i < 3; i++) await model.run([ids(TOKENS, i)])
  const before = privateDirty()
  const first: number[] = []
  for (const layer of [7, 8, 9]) {
    const start = performance.now()
    await gradientAt(layer, ofLast)(0)
    first.push(performance.now() - start)
  }
  const warmAfterFirst = performance.now()
  await gradientAt(9, ofLast)(1)
  const warm = performance.now() - warmAfterFirst
  const memory = Math.max(0, privateDirty() - before) / first.length
  const middle = LAYERS / 2
  const [plain, mid, embeddings, all, allMiddle, allEmbeddings] = await timed(rounds, rest, [
    round => bare.run(feed(ids(TOKENS, round))),
    gradientAt(middle, ofLast),
    gradientAt(-1, ofLast),
    patching,
    gradientAt(middle, ofAll),
    gradientAt(-1, ofAll),
  ])
  const recomputed = await againstKept(model, kind)
  const integrated = await pathAgainstSingles(model, kind, gradientAt(-1, ofLast))
  await model.release()
  await bare.release()
  return [
    ratio(`gradient of one logit at the middle layer, against a bare run: ${kind}`, mid, plain, 1.8),
    ratio(`the same at the embeddings: ${kind}`, embeddings, plain, 2.6),
    ratio(`the same at all ${LAYERS} layers at once, as attribution patching needs: ${kind}`, all, plain, 3.2),
    ratio(`gradient of the cross entropy of all positions at the middle layer: ${kind}`, allMiddle, plain),
    ratio(`the same at the embeddings: ${kind}`, allEmbeddings, plain),
    integrated,
    ...recomputed,
    measure(`first gradient at a new place, beyond a warm one: ${kind}`, Math.min(...first) - warm, 'ms', 150),
    measure(`private memory for each further place of a gradient: ${kind}`, memory, 'MB'),
  ]
}

/** The same gradient with each block's forward pass computed again, against the one that keeps it. */
async function againstKept(model: Model, kind: string): Promise<Measure[]> {
  const at = (tokens: number, recompute: boolean) => (round: number) =>
    model.trace([ids(tokens, round)], { recompute }, m => grad(ofLast(m), m.transformer.h[0].input))
  const [again, kept] = await timed(5, 0, [at(TOKENS, true), at(TOKENS, false)])
  // Longer prompts than before, whose memory nothing keeps yet; recomputed first, as memory that is kept would serve it too.
  const memory: number[] = []
  for (const recompute of [true, false]) {
    const before = privateDirty()
    await at(4 * TOKENS, recompute)(0)
    memory.push(Math.max(0, privateDirty() - before))
  }
  return [
    ratio(`gradient at the embeddings with recompute, against one that keeps what forward made: ${kind}`, again, kept),
    measure(`private memory of a prompt of ${4 * TOKENS} tokens with recompute: ${kind}`, memory[0], 'MB'),
    measure(`the same with what forward made kept: ${kind}`, memory[1], 'MB'),
  ]
}

const STEPS = 32

/** Integrated gradients, whose points are rows of a few batches, against as many gradients of one row each. A round is seconds, so there are few. */
async function pathAgainstSingles(
  model: Model,
  kind: string,
  single: (round: number) => Promise<unknown>,
): Promise<Measure> {
  const options = { metric: logProbability(5), steps: STEPS }
  const [batched, singles]: [number[], number[]] = [[], []]
  for (let round = -1; round < 3; round++) {
    const start = performance.now()
    await integratedGradients(model, [ids(TOKENS, round + 1)], options)
    const between = performance.now()
    for (let i = 0; i < STEPS; i++) await single(round + 1)
    if (round < 0) continue
    batched.push(between - start)
    singles.push(performance.now() - between)
  }
  const [a, b] = [batched, singles].map(times => ({ median: median(times), tenth: Math.min(...times) }))
  return ratio(`integrated gradients of ${STEPS} steps, against ${STEPS} gradients of one run each: ${kind}`, a, b, 1.1)
}
