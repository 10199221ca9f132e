import { findLens } from '../../runtime/names/lens-path.ts'
import type { Taps } from '../../runtime/names/taps.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { CodeRequest, ModelDescription, ValuePlace } from '../protocol/api.ts'
import type { StagePlace } from '../readings/stages.ts'
import { Refusal } from '../server/refusal.ts'
import { type Language, moduleIn, nodeIn, tensorIn } from './paths.ts'

/** A value that the page shows: its name, and the code that reads it. */
export interface Read {
  readonly name: string
  in(language: Language): string
}

/** What the page shows of a model, as far as its code depends on it. */
export interface ShownValues {
  /** In the tab with attention: the module of the head. */
  readonly site: string | undefined
  readonly taps: Taps
  readonly module: ModuleNode
  /** In the overview: the values on the way through the model. */
  readonly stages: readonly StagePlace[]
  /** The value that is shown; `isOutput` if it is what `module.output` reads. */
  readonly value: (ValuePlace & { readonly isOutput: boolean }) | undefined
  /** The attention pattern that is shown, and how many axes it has. */
  readonly pattern: { readonly node: string; readonly head: number; readonly rank: number } | undefined
}

/** Writes code that reads the values that the page shows. @throws Refusal if no code can read them */
export function readsOf(
  { site, taps, module, stages, value, pattern }: ShownValues,
  model: ModelDescription,
  request: CodeRequest,
): Read[] {
  if (request.tab === 'lens') {
    const all = lensReads(taps, model.logits)
    return request.cell ? cellReads(all, model.logits!, request) : all
  }
  if (request.tab === 'edit')
    return model.outputs.map(({ name }) => ({ name: wordOf(name), in: () => `model.outputs[${JSON.stringify(name)}]` }))
  if (request.tab === 'attention') {
    if (site !== undefined) return [headRead({ ...request, path: site })]
    throw new Refusal(422, 'view-code', 'The model has no attention.', 'copy another view')
  }
  if (request.tab === 'overview' && stages.length > 0)
    return stages.map(({ path, node }, i) => ({
      name: `stage${i}`,
      in: language => (node === undefined ? `${moduleIn(language, path)}.output` : nodeIn(language, node)),
    }))
  const reads: Read[] = []
  if (value)
    reads.push({
      name: 'value',
      in(language) {
        if (value.side === 'weight') return tensorIn(language, value.name)
        if (request.node !== undefined) return valueOfNode(language, taps, request.node, value)
        const place = moduleIn(language, module.path)
        return value.isOutput ? `${place}.output` : `${place}.${value.side}s[${JSON.stringify(value.name)}]`
      },
    })
  if (pattern) {
    const indices = [...(pattern.rank === 4 ? [request.batch ?? 0] : []), pattern.head]
    reads.push({
      name: 'attention',
      in: language =>
        nodeIn(language, pattern.node) +
        (language === 'template' ? `[${indices.join(', ')}]` : indices.map(index => `.select(0, ${index})`).join('')),
    })
  }
  if (reads.length > 0) return reads
  throw new Refusal(
    422,
    'view-code',
    'No value goes through this module, so there is nothing to read.',
    'choose another module',
  )
}

/** The code for an output or input of a node. */
function valueOfNode(language: Language, taps: Taps, name: string, { side, name: value }: ValuePlace): string {
  const node = taps.tree.graph.nodes.find(one => one.name === name)
  const index = (side === 'output' ? node?.outputs : node?.inputs)?.indexOf(value) ?? 0
  return nodeIn(language, name, index === 0 ? side : `${side}At(${index})`)
}

/** Writes code for the predictions of each layer: it applies the head’s modules, one after the other, to the layer’s output. */
function lensReads(taps: Taps, logits: string | undefined): Read[] {
  const found = findLens(taps, logits)
  if ('why' in found) throw new Refusal(422, 'view-code', found.why, 'copy another view')
  const { head, leaving, layers } = found
  if (!isChain(taps, head, leaving.at(-1)!.tensor, logits!))
    throw new Refusal(
      422,
      'view-code',
      'The part of the model between the last layer and the logits is not a chain of modules, so it can’t be written as calls of modules.',
      'copy the view of a module, or the edit',
    )
  return layers.map((layer, i) => ({
    name: `layer${i}`,
    in(language) {
      const output = `${moduleIn(language, layer.path)}.output`
      const applied = head.reduce((inner, one) => `${moduleIn(language, one.path)}(${inner})`, output)
      return language === 'template' ? `softmax(${applied}, -1)` : `${applied}.softmax(-1)`
    },
  }))
}

/** The pattern of one head, for a row of the batch. */
function headRead({ path, head = 0, batch = 0 }: CodeRequest): Read {
  return {
    name: 'attention',
    in(language) {
      const pattern = `${moduleIn(language, path)}.heads[${head}].pattern`
      return language === 'template' ? `${pattern}[${batch}]` : `${pattern}.select(0, ${batch})`
    },
  }
}

/** The likeliest tokens of one cell of the lens: their ids and their probabilities. */
function cellReads(layers: readonly Read[], logits: string, { cell, batch = 0 }: CodeRequest): Read[] {
  const { layer, position } = cell!
  return (['ids', 'probabilities'] as const).map(name => ({
    name,
    in(language) {
      const own = `model.outputs[${JSON.stringify(logits)}]`
      const all =
        layers[layer ?? layers.length]?.in(language) ??
        (language === 'template' ? `softmax(${own}, -1)` : `${own}.softmax(-1)`)
      const part = name === 'ids' ? 'indices' : 'values'
      return language === 'template'
        ? `topk(${all}[${batch}, ${position}], 5).${part}`
        : `${all}.select(0, ${batch}).select(0, ${position}).topk(5).${part}`
    },
  }))
}

/** Whether each module takes only the output of the one before it. */
function isChain(taps: Taps, head: readonly ModuleNode[], from: string, to: string): boolean {
  let value = from
  for (const module of head) {
    const [input, ...others] = [...taps.inputTaps(module).keys()]
    const outputs = [...taps.outputTaps(module).keys()]
    if (others.length > 0 || input !== value || outputs.length !== 1) return false
    value = outputs[0]
  }
  return value === to && head.length > 0
}

/** Turns a name from a model into the name of a variable. */
const wordOf = (name: string): string => {
  const word = name.replace(/[^\p{L}\p{N}_]/gu, '_')
  return /^\p{N}/u.test(word) ? `_${word}` : word
}
