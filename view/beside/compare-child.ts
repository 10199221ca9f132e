import { type Comparison, compare } from '../../compare/index.ts'
import { inputPair, type LabelledInput, madeUpInputs } from '../../compare/inputs.ts'
import { answerRequests } from '../../runtime/child-process/answer-requests.ts'
import { Tensor } from '../../runtime/index.ts'
import { decodedIdsOf, logitsOf } from '../../runtime/language-inputs/ids-and-logits.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { openModel } from '../model/open-model.ts'
import type { Beside, CompareMessage, Opened, SentInputs } from './messages.ts'
import { type Followed, partingTokens } from './parting.ts'

// The process in which `onnsight view A --beside B` compares both models: the page's server stays responsive, and can end it in the middle.

const { a: pathA, b: pathB, options } = JSON.parse(process.argv[2]) as Opened
const second = openModel(pathB, options)
let first: typeof second | undefined
/** Both models. The first one is opened with the first comparison, because the page's server has opened it for all else. */
const opening = () => {
  first ??= openModel(pathA, options)
  return Promise.all([first, second])
}

async function inputsFor(sent: SentInputs): Promise<readonly LabelledInput[]> {
  const [{ model }] = await opening()
  if (sent.on === 'many') return madeUpInputs(model)
  if (sent.on === 'texts') return sent.texts.map(text => ({ label: text, inputs: text }))
  const named = Object.entries(sent.tensors).map(([name, data]) => [name, Tensor.of(data)])
  return [{ label: sent.label, inputs: Object.fromEntries(named) }]
}

async function found(sent: SentInputs, part: (part: unknown) => void): Promise<unknown> {
  const [a, b] = await opening()
  const inputs = await inputsFor(sent)
  const comparison: Comparison = await compare(
    a.model,
    b.model,
    inputs.map(one => one.inputs),
    { labels: inputs.map(({ label }) => label), onProgress: (done, total) => part({ done, total }) },
  )
  return { ...comparison, metrics: comparison.metrics }
}

async function tokens({ inputs, input, from }: Extract<CompareMessage, { kind: 'tokens' }>): Promise<unknown> {
  const [a, b] = await opening()
  const all = await inputsFor(inputs)
  const pair = await inputPair(a.model, b.model, all[Math.min(input, all.length - 1)])
  const { taps } = handleOf(a.model)!.binding
  const ids = decodedIdsOf(a.model.signature)!
  const logits = logitsOf(a.model.signature, taps.tree.graph, ids)!
  const sides: readonly [Followed, Followed] = [
    { model: a.model, inputs: pair.a },
    { model: b.model, inputs: pair.b },
  ]
  return partingTokens(sides, { ids, logits, from, language: a.language })
}

answerRequests<CompareMessage & { readonly id: number }>(
  async (message, part) => {
    switch (message.kind) {
      case 'open': {
        const { model, title, opening } = await second
        return { name: model.name, title, opening } satisfies Beside
      }
      case 'compare':
        return found(message.inputs, part)
      case 'tokens':
        return tokens(message)
    }
  },
  async () => {
    for (const opened of [first, second]) await opened?.then(({ model }) => model.release()).catch(() => undefined)
  },
)
