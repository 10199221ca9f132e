import { findLens } from '../../runtime/names/lens-path.ts'
import type { Taps } from '../../runtime/names/taps.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { CodeRequest, ValuePlace, ViewedModel } from '../protocol/api.ts'
import { Refusal } from '../server/refusal.ts'
import { type Language, moduleIn, nodeIn } from './paths.ts'

/** A value that the page shows: its name, and the code that reads it. */
export interface Read {
  readonly name: string
  in(language: Language): string
}

/** The part of a view that its code needs inside the trace. */
export interface Places {
  readonly taps: Taps
  readonly module: ModuleNode
  /** The value that is shown; `isUsual` if it is the module’s output. */
  readonly value: (ValuePlace & { readonly isUsual: boolean }) | undefined
  /** The attention pattern that is shown, and how many axes it has. */
  readonly pattern: { readonly node: string; readonly head: number; readonly rank: number } | undefined
}

/** The values that a view shows, as code that reads them. @throws Refusal if no code can read them */
export function readsOf({ taps, module, value, pattern }: Places, model: ViewedModel, request: CodeRequest): Read[] {
  if (request.tab === 'lens') return lensReads(taps, model.logits)
  if (request.tab === 'edit')
    return model.outputs.map(({ name }) => ({ name: wordOf(name), in: () => `model.outputs[${JSON.stringify(name)}]` }))
  const reads: Read[] = []
  if (value)
    reads.push({
      name: 'value',
      in(language) {
        const place = moduleIn(language, module.path)
        return value.isUsual ? `${place}.output` : `${place}.${value.side}s[${JSON.stringify(value.name)}]`
      },
    })
  if (pattern) {
    const places = [...(pattern.rank === 4 ? [request.batch ?? 0] : []), pattern.head]
    reads.push({
      name: 'attention',
      in: language =>
        nodeIn(language, pattern.node) +
        (language === 'template' ? `[${places.join(', ')}]` : places.map(at => `.select(0, ${at})`).join('')),
    })
  }
  if (reads.length > 0) return reads
  throw new Refusal(422, 'view-code', 'No value passes here: there is nothing to read.', 'choose another module')
}

/** What each layer would predict: the head’s modules one after the other, on what leaves it. */
function lensReads(taps: Taps, logits: string | undefined): Read[] {
  const found = findLens(taps, logits)
  if ('why' in found) throw new Refusal(422, 'view-code', found.why, 'copy another view')
  const { head, leaving, layers } = found
  if (!isChain(taps, head, leaving.at(-1)!.tensor, logits!))
    throw new Refusal(
      422,
      'view-code',
      'What lies between the last layer and the logits is no chain of modules: it can’t be written as calls of them.',
      'copy the view of a module, or the edit',
    )
  return layers.map((layer, i) => ({
    name: `layer${i}`,
    in(language) {
      const given = `${moduleIn(language, layer.path)}.output`
      const applied = head.reduce((inner, one) => `${moduleIn(language, one.path)}(${inner})`, given)
      return language === 'template' ? `softmax(${applied}, -1)` : `${applied}.softmax(-1)`
    },
  }))
}

/** Whether each module takes only the output of the one before it. */
function isChain(taps: Taps, head: readonly ModuleNode[], from: string, to: string): boolean {
  let given = from
  for (const module of head) {
    const [input, ...others] = [...taps.inputTaps(module).keys()]
    const outputs = [...taps.outputTaps(module).keys()]
    if (others.length > 0 || input !== given || outputs.length !== 1) return false
    given = outputs[0]
  }
  return given === to && head.length > 0
}

/** Turns a name from a model into the name of a variable. */
const wordOf = (name: string): string => {
  const word = name.replace(/[^\p{L}\p{N}_]/gu, '_')
  return /^\p{N}/u.test(word) ? `_${word}` : word
}
