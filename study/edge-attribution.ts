import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { cat, tensor } from '../runtime/tensor/functions.ts'
import { grad } from '../runtime/tensor/ops/gradient.ts'
import { Tensor } from '../runtime/tensor/tensor.ts'
import { TRACE_OPTIONS, type TraceOptions } from '../runtime/tracing/tracer.ts'
import type { Metric } from './metrics.ts'
import { checkPairs } from './model/pairs.ts'
import { type Prompts, StudiedModel } from './model/studied-model.ts'
import { type Chart, heatMap } from './pictures/chart.ts'
import { type LabelledAxis, labelled } from './results/axes.ts'
import { StudyResult } from './results/result.ts'
import { short, type Table } from './results/table.ts'
import { Measuring } from './sweeps/measuring.ts'
import { hasPart, siteOf } from './sweeps/sites.ts'

/** Options of `edgeAttribution()`. */
export interface EdgeAttributionOptions extends TraceOptions {
  /** The prompts whose runs are explained, in any form that `trace()` takes. */
  readonly clean: Inputs
  /** The prompts whose activations an edge would carry instead: as many, with the same lengths. */
  readonly corrupted: Inputs
  readonly metric: Metric
  /**
   * The number of points between both prompts' embeddings at which gradients are taken: 1 is EAP, with the gradient of the clean run; more are
   * EAP-IG, which does not miss edges whose gradient is flat in the clean run. @default 1
   */
  readonly steps?: number
}

/**
 * Edge attribution patching: for each edge between two parts of a model, an estimate of what happens to the metric if the edge alone carries the
 * corrupted activation. An edge leads from the embeddings, a head or an MLP to the query, key or value input of a later head, to a later MLP,
 * or to the logits. All edges are estimated by one run of each prompt and a backward pass for each step. On several pairs, the result is the mean.
 *
 * Sources: Syed et al. 2023 (arXiv:2310.10348), EAP; Hanna et al. 2024 (arXiv:2403.17806), EAP-IG.
 *
 * @throws StudyError for prompts of different lengths, or a model whose parts are not found; NotDifferentiableError; InputError, ArgumentError
 * @example
 * const edges = await edgeAttribution(model, { clean, corrupted, metric: logitDifference(58, 1), steps: 5 })
 * console.log(edges.edges.slice(0, 10))
 */
export async function edgeAttribution(model: Model, options: EdgeAttributionOptions): Promise<AttributedEdges> {
  const {
    clean: cleanInputs,
    corrupted: corruptedInputs,
    metric,
    steps = 1,
    ...rest
  } = knownOptions('edgeAttribution()', options, ['clean', 'corrupted', 'metric', 'steps', ...TRACE_OPTIONS])
  if (!Number.isSafeInteger(steps) || steps < 1)
    throw new ArgumentError(`edgeAttribution: steps is ${steps}.`, undefined, 'give a whole number from 1 on')
  const studied = new StudiedModel('edgeAttribution', model, undefined)
  const [clean, corrupted] = await Promise.all([studied.prompts(cleanInputs), studied.prompts(corruptedInputs)])
  checkPairs(studied, clean, corrupted)
  const measuring = new Measuring(studied, metric, rest)
  const { heads } = await studied.sizes(clean)
  const pairs = clean.ids.length
  let total: Tensor | undefined
  let nodes: { readonly senders: readonly Node[]; readonly receivers: readonly Node[] } | undefined
  let base = 0
  for (let pair = 0; pair < pairs; pair++) {
    const found = await ofPair(studied, measuring, { heads, clean, corrupted, pair, steps })
    nodes = found
    base += found.value / pairs
    total = await (total ? total.add(found.scores) : found.scores).value()
  }
  const { senders, receivers } = nodes!
  const isEdge = senders.map(from => receivers.map(to => from.order < to.order))
  const scores = (total!.tolist() as number[][]).map((row, i) => row.map((one, j) => (isEdge[i][j] ? one / pairs : 0)))
  return new AttributedEdges({ metric: measuring.name, steps, senders, receivers, scores, isEdge, base })
}

/** A part of the model. An edge leads from a sender of a lower order to a receiver of a higher one. */
interface Node {
  readonly name: string
  readonly order: number
}

interface Pair {
  readonly heads: readonly number[]
  readonly clean: Prompts
  readonly corrupted: Prompts
  readonly pair: number
  readonly steps: number
}

async function ofPair(studied: StudiedModel, measuring: Measuring, { heads, clean, corrupted, pair, steps }: Pair) {
  const embeddings = () => studied.model.hooks.hook_embed
  const sent = () => [embeddings(), ...sentValues(studied, heads)]
  const own = await measuring.clean(clean, pair, sent)
  const other = await measuring.trace(corrupted, pair, 1, sent)
  const [from, ...cleanParts] = own.states
  const [to, ...otherParts] = other
  const rows = Math.max(1, ...heads)
  let arriving: Tensor | undefined
  let receivers: readonly Node[] = []
  for (let step = 0; step < steps; step++) {
    const share = tensor([step / steps])
    const found = await measuring.trace(clean, pair, rows, () => {
      const now = embeddings()
      if (steps > 1) studied.model.hooks.hook_embed = now.add(to.sub(from).mul(share))
      const all = receivedGradients(studied, heads, measuring.rows(clean, pair, own.logits).sum(), rows)
      receivers = all.flatMap(({ nodes }) => nodes)
      return cat(all.map(({ gradients }) => gradients))
    })
    arriving = await (arriving ? arriving.add(found) : found).value()
  }
  const flat = (value: Tensor): Tensor => value.reshape([value.dims[0]!, -1])
  const moved = cleanParts.map((part, i) => byNode(otherParts[i].to('float32').sub(part.to('float32'))))
  const scores = flat(cat(moved)).matmul(flat(arriving!.div(steps)).transpose(0, 1))
  return { scores: await scores.value(), senders: sendersOf(studied, heads), receivers, value: own.value }
}

/** What each sender adds to the stream, in the current trace, in the order of `sendersOf`: heads of a layer together. */
function sentValues(studied: StudiedModel, heads: readonly number[]): Tensor[] {
  const parts = studied.lens().layers.flatMap(({ path }, layer) => {
    return [
      ...(heads[layer] > 0 ? [studied.withHeads(path).heads.result] : []),
      ...(hasPart(studied, 'mlp', layer) ? [siteOf(studied, 'mlp', layer).read()] : []),
    ]
  })
  return [studied.embedded(), ...parts]
}

/** A row for each node: `[node, token, width]`, from `[1, token, width]` or `[1, token, head, width]`. */
const byNode = (value: Tensor): Tensor => (value.rank === 3 ? value : value.select(0, 0).transpose(0, 1))

function sendersOf(studied: StudiedModel, heads: readonly number[]): Node[] {
  const { layers } = studied.lens()
  const parts = layers.flatMap((_, layer) => [
    ...Array.from({ length: heads[layer] }, (_, head) => ({ name: `head ${layer}.${head}`, order: 2 * layer })),
    ...(hasPart(studied, 'mlp', layer) ? [{ name: `MLP ${layer}`, order: 2 * layer + 1 }] : []),
  ])
  return [{ name: 'embeddings', order: -1 }, ...parts]
}

/**
 * The gradient that arrives at the stream through each receiver alone, `[receiver, token, width]`. Rows of the run are equal: each carries what
 * flows through one head, so that one pass serves all heads of a layer.
 */
function receivedGradients(studied: StudiedModel, heads: readonly number[], metric: Tensor, rows: number) {
  const { layers, leaving } = studied.lens()
  const one = (gradient: Tensor): Tensor => gradient.narrow(0, 0, 1).to('float32')
  const parts = layers.flatMap(({ path }, layer) => {
    const entering = siteOf(studied, 'residual', layer).read()
    const ofHeads = (['q', 'k', 'v'] as const).map(input => {
      const value = studied.withHeads(path).heads[input]
      const count = value.dims[2]!
      const gradient = grad(metric, value).mul(ownHead(rows, count).to(value.type))
      const nodes = Array.from({ length: count }, (_, head) => ({
        name: `head ${layer}.${head} ${input}`,
        order: 2 * layer,
      }))
      return { nodes, gradients: grad(value, entering, { gradient }).narrow(0, 0, count).to('float32') }
    })
    if (!hasPart(studied, 'mlp', layer)) return heads[layer] > 0 ? ofHeads : []
    const mlp = siteOf(studied, 'mlp', layer).read()
    const middle = studied.model.hooks[`blocks.${layer}.hook_resid_mid`]
    const ofMlp = {
      nodes: [{ name: `MLP ${layer}`, order: 2 * layer + 1 }],
      gradients: one(grad(mlp, middle, { gradient: grad(metric, mlp) })),
    }
    return [...(heads[layer] > 0 ? ofHeads : []), ofMlp]
  })
  const last = studied.read(leaving.at(-1)!)
  return [...parts, { nodes: [{ name: 'logits', order: 2 * layers.length }], gradients: one(grad(metric, last)) }]
}

/** 1 where the row's number is that of the head: `[row, 1, head, 1]`. */
function ownHead(rows: number, heads: number): Tensor {
  const data = Float32Array.from({ length: rows * heads }, (_, i) => Number(Math.floor(i / heads) === i % heads))
  return Tensor.of({ type: 'float32', dims: [rows, 1, heads, 1], data })
}

interface Found {
  readonly metric: string
  readonly steps: number
  readonly senders: readonly Node[]
  readonly receivers: readonly Node[]
  readonly scores: readonly (readonly number[])[]
  readonly isEdge: readonly (readonly boolean[])[]
  readonly base: number
}

/** An edge and its score. */
export interface AttributedEdge {
  readonly from: string
  readonly to: string
  readonly score: number
}

/** How much each edge is estimated to move the metric: the result of `edgeAttribution()`. */
export class AttributedEdges extends StudyResult {
  /** `from`: embeddings, heads and MLPs; `to`: the inputs of heads, MLPs and the logits. */
  readonly axes: readonly LabelledAxis[]
  /** How far the metric of the clean run is estimated to move if the edge carries the corrupted activation: `[from, to]`; 0 where there is no edge. */
  readonly scores: Tensor
  /** All edges, those with the greatest absolute score first. */
  readonly edges: readonly AttributedEdge[]
  /** The metric of the clean run. */
  readonly base: number
  readonly #found: Found

  constructor(found: Found) {
    super()
    const { senders, receivers, scores, isEdge, base } = found
    const names = (nodes: readonly Node[]): string[] => nodes.map(({ name }) => name)
    this.axes = [
      { name: 'from', labels: names(senders) },
      { name: 'to', labels: names(receivers) },
    ]
    this.scores = labelled(tensor(scores.map(row => [...row])), this.axes)
    this.base = base
    this.edges = senders
      .flatMap((from, i) =>
        receivers.flatMap((to, j) => (isEdge[i][j] ? [{ from: from.name, to: to.name, score: scores[i][j] }] : [])),
      )
      .sort((a, b) => Math.abs(b.score) - Math.abs(a.score))
    this.#found = found
  }

  #title(): string {
    const { steps, metric } = this.#found
    return `Edge attribution${steps > 1 ? `, ${steps} steps` : ''}: how far the ${metric} is estimated to move`
  }

  table(): Table {
    return {
      title: this.#title(),
      corner: 'from',
      columns: ['to', 'score'],
      rows: this.edges.slice(0, 20).map(({ from, to, score }) => ({ label: from, cells: [to, short(score)] })),
      notes: [
        `The 20 greatest of ${this.edges.length} edges. ${this.#found.metric} of the clean run: ${short(this.base)}.`,
      ],
    }
  }

  protected chart(): Chart {
    const [down, across] = this.axes
    return heatMap({
      title: this.#title(),
      subtitle: `${short(this.base)} in the clean run`,
      across,
      down,
      values: this.#found.scores,
      measure: `change of the ${this.#found.metric}`,
    })
  }
}
