import { inspection } from '../../cli/inspect/inspection.ts'
import type { Declared } from '../../runtime/index.ts'
import { idsOf, logitsOf } from '../../runtime/language-inputs/ids-and-logits.ts'
import type { LoadedModel } from '../../runtime/model/loaded/loaded-model.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { findLens } from '../../runtime/names/lens-path.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'
import type { ModelDescription } from '../protocol/api.ts'
import { sitesOf } from '../readings/attention.ts'
import { fillingsOf } from './inputs.ts'
import type { OpenedModel } from './open-model.ts'
import { exampleText } from './tokens.ts'

/** Describes a model for the page: everything that is known before it runs. */
export function describeModel(
  { model, title, language }: Pick<OpenedModel, 'model' | 'title' | 'language'>,
  provider: string,
): ModelDescription {
  const { taps } = handleOf(model)!.binding
  const { modules, inputs, outputs } = inspection(model)
  const ids = idsOf(model.signature)
  const logits = logitsOf(model.signature, taps.tree.graph, ids)
  const lens = findLens(taps, logits)
  const example = language && exampleText(language)
  const { limits } = asTraceable(model, 'onnsight view').identity as LoadedModel
  const entries = limits.find(({ kind }) => kind === 'token')?.rows
  const paths = (found: readonly { readonly path: string }[]): string[] => found.map(({ path }) => path)
  return {
    name: model.name,
    title,
    provider,
    inputs: inputs.map(input => ({
      ...declared(input),
      fillings: fillingsOf(input),
      followsIds: ids !== undefined && input.optional === true,
    })),
    outputs: outputs.map(declared),
    modules: modules.map(module => {
      const { name, own } = taps.tree.get(module.path)!
      return { ...module, name, own: own.length }
    }),
    ...(ids === undefined ? {} : { ids }),
    hasVocabulary: language !== undefined,
    ...(example === undefined ? {} : { example }),
    ...(entries === undefined ? {} : { entries }),
    ...(logits === undefined ? {} : { logits }),
    hasAttention: sitesOf(model).length > 0,
    lens: 'why' in lens ? { reason: lens.why } : { layers: paths(lens.layers), head: paths(lens.head) },
  }
}

const declared = ({ name, type, dims }: Declared) => ({
  name,
  type,
  ...(dims ? { dims: dims.map(dim => dim ?? null) } : {}),
})
