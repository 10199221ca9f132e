import { inspection } from '../../cli/inspect/inspection.ts'
import type { Declared } from '../../runtime/index.ts'
import { decodedIdsOf, logitsOf } from '../../runtime/language-inputs/ids-and-logits.ts'
import type { LoadedModel } from '../../runtime/model/loaded/loaded-model.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { findLens } from '../../runtime/names/lens-path.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'
import type { ModelDescription } from '../protocol/api.ts'
import { sitesOf } from '../readings/attention.ts'
import { jsonBeside } from './beside.ts'
import { fillingsOf } from './inputs.ts'
import { kindOf } from './kind.ts'
import type { OpenedModel } from './open-model.ts'
import { preprocessingOf } from './preprocessing.ts'
import { exampleText } from './tokens.ts'

/** Describes a model for the page: everything that is known before it runs. */
export function describeModel(
  { model, title, language }: Pick<OpenedModel, 'model' | 'title' | 'language'>,
  provider: string,
): ModelDescription {
  const { taps } = handleOf(model)!.binding
  const { modules, inputs, outputs, opsets } = inspection(model)
  const ids = decodedIdsOf(model.signature)
  const logits = logitsOf(model.signature, taps.tree.graph, ids)
  const lens = findLens(taps, logits)
  const example = language && exampleText(language)
  const { limits } = asTraceable(model, 'onnsight view').identity as LoadedModel
  const entries = limits.find(({ kind }) => kind === 'token')?.rows
  const context = limits.filter(({ kind }) => kind !== 'token').map(({ rows }) => rows)
  const { architecture, classes } = besideOf(model.name)
  const opset = opsets['ai.onnx']
  const preprocessing = preprocessingOf(model.name)
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
    kind: kindOf(model.signature.inputs, ids, logits),
    ...(architecture === undefined ? {} : { architecture }),
    ...(opset === undefined ? {} : { opset }),
    ...(context.length > 0 ? { context: Math.min(...context) } : {}),
    ...(classes ? { classes } : {}),
    ...(preprocessing ? { preprocessing } : {}),
  }
}

/** What a config.json beside the model says of its class and of the classes that it tells apart. */
function besideOf(path: string): { readonly architecture?: string; readonly classes?: readonly string[] } {
  const { architectures, id2label } = jsonBeside(path, 'config.json') ?? {}
  const [first] = Array.isArray(architectures) ? (architectures as unknown[]) : []
  const names = typeof id2label === 'object' && id2label !== null ? Object.entries(id2label) : []
  const classes: string[] = []
  for (const [at, name] of names) if (/^\d{1,6}$/.test(at)) classes[Number(at)] = String(name)
  return {
    ...(typeof first === 'string' ? { architecture: first } : {}),
    ...(classes.length > 1 ? { classes: Array.from(classes, name => name ?? '') } : {}),
  }
}

const declared = ({ name, type, dims }: Declared) => ({
  name,
  type,
  ...(dims ? { dims: dims.map(dim => dim ?? null) } : {}),
})
