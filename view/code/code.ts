import type { Inputs } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { resolvePath } from '../../runtime/names/resolve.ts'
import { StudiedModel } from '../../study/model/studied-model.ts'
import { placeOf } from '../../study/sweeps/sites.ts'
import type { Opening } from '../model/open-model.ts'
import type { Code, CodeRequest, ModelDescription } from '../protocol/api.ts'
import { sitesOf } from '../readings/attention.ts'
import { targetOf } from '../readings/importance.ts'
import { patternsIn } from '../readings/patterns.ts'
import { stagesOf } from '../readings/stages.ts'
import { assertValidTemplate, type TraceTarget, traceWithTemplate } from '../readings/template-trace.ts'
import { readingsOf } from '../readings/values.ts'
import { Refusal } from '../server/refusal.ts'
import { comparisonCode } from './comparison.ts'
import { type WrittenInputs, writeInputs } from './inputs.ts'
import { assertFitsTemplate, beginning, tagged } from './parts.ts'
import { type Read, readsOf, type ShownValues } from './reads.ts'
import { generationCode, importanceCode, patchCode, patchedCellCode, steeringCode } from './studies.ts'

/** The model of a program. */
export interface ShownModel {
  readonly opening: Opening
  /** The input for token ids. */
  readonly ids: string | undefined
  readonly description: ModelDescription
  /** The call that opens the second model. */
  readonly beside: Opening | undefined
}

/** Writes a program and a template that compute what the page shows. @param row the token ids of the row that is shown. @throws Refusal if no code can compute it */
export async function viewCode(
  target: TraceTarget,
  inputs: Inputs,
  request: CodeRequest,
  { opening, ids, description, beside }: ShownModel,
  tokens: number | undefined,
  row: readonly number[],
): Promise<Code> {
  const { template: edit } = request
  if (edit !== undefined) {
    assertValidTemplate(edit)
    if (/^\s*stop\b/m.test(edit))
      throw new Refusal(
        422,
        'view-code',
        'The edit stops the run, so nothing can be read after it.',
        'leave out the stop',
      )
  }
  const written = writeInputs(target.model, request, inputs, ids)
  if (request.tab === 'patch') {
    const { patch, patched } = request
    if (!patch || !patched) return patchCode(opening, written, patch)
    const studied = new StudiedModel('patchActivations', target.model, undefined)
    const place = await target.model.scan(inputs, () => placeOf(studied, patch.part, patched.layer))
    return patchedCellCode(opening, written, patch, patched, place, description.logits)
  }
  if (request.tab === 'compare') return comparisonCode(opening, beside, written, request.comparing)
  if (request.tab === 'generate') return generationCode(opening, written, request)
  if (request.tab === 'importance') {
    const { method = 'gradient', ...explained } = request.importance ?? {}
    const found = await targetOf(target, row, { inputs: {}, ...explained }, description.logits)
    return importanceCode(opening, written, { method, ...found })
  }
  if (request.tab === 'steer') return steeringCode(opening, written, request)
  const reads = readsOf(await findShown(target, inputs, request, tokens), description, request)
  return {
    typescript: program(opening, written, reads, edit, request.isCompared ?? false),
    template: templateText(edit, reads),
  }
}

/** Finds the module, the value and the attention pattern that the page shows. */
function findShown(
  target: TraceTarget,
  inputs: Inputs,
  request: CodeRequest,
  tokens: number | undefined,
): Promise<ShownValues> {
  return traceWithTemplate(target, inputs, undefined, model => {
    const { binding } = handleOf(model)!
    const { taps } = binding
    const module = resolvePath(taps.tree.root, request.path)
    const { readings, main, note } = readingsOf(binding, module, request.node)
    const valueIndex = request.value ?? main
    const patterns = request.node === undefined ? patternsIn(binding, module, tokens) : []
    const chosen = patterns.find(({ pattern }) => pattern.node === request.pattern?.node) ?? patterns[0]
    const sites = request.tab === 'attention' ? sitesOf(model) : []
    return {
      site: sites.includes(request.path) ? request.path : sites[0],
      taps,
      module,
      stages: request.tab === 'overview' ? stagesOf(binding).places : [],
      value: readings[valueIndex] && {
        ...readings[valueIndex].place,
        isOutput: valueIndex === main && note === undefined,
      },
      pattern: chosen && {
        node: chosen.pattern.node,
        head: Math.min(request.pattern?.head ?? 0, chosen.pattern.heads - 1),
        rank: chosen.tensor.dims.length,
      },
    }
  })
}

/** The edit, followed by the reads, under names that the edit does not use. */
function templateText(edit: string | undefined, reads: readonly Read[]): string {
  const names = namesFor(reads, edit ?? '')
  const lines = reads.map((read, i) => `save ${names[i]} = ${read.in('template')}`)
  return [...(edit === undefined ? [] : [edit.trimEnd()]), ...lines].join('\n')
}

function namesFor(reads: readonly Read[], edit: string): string[] {
  return reads.map(({ name }) => {
    let free = name
    while (new RegExp(`\\b${free}\\b`, 'u').test(edit)) free += '_'
    return free
  })
}

function program(
  opening: Opening,
  inputs: WrittenInputs,
  reads: readonly Read[],
  edit: string | undefined,
  isCompared: boolean,
): string {
  const names = namesFor(reads, edit ?? '')
  const parts = [
    ...beginning(opening, inputs, [], ["import { trace } from 'onnsight/trace.macro'"]),
    `const inputs = ${inputs.text}`,
    '',
    ...(edit === undefined
      ? plainTrace('values', reads, names)
      : [
          ...(isCompared ? plainTrace('unedited', reads, names) : []),
          ...editedTrace(isCompared ? 'edited' : 'values', edit, reads),
        ]),
    '',
    ...names.map(name => printLine(name, edit !== undefined && isCompared)),
    'await model.release()',
  ]
  return `${parts.join('\n')}\n`
}

const plainTrace = (result: string, reads: readonly Read[], names: readonly string[]): string[] => [
  `const ${result} = await trace(model, inputs, () => ({`,
  ...reads.map((read, i) => `  ${names[i]}: ${read.in('typescript')},`),
  '}))',
]

function editedTrace(result: string, edit: string, reads: readonly Read[]): string[] {
  assertFitsTemplate(edit)
  return tagged(`const ${result} = await trace(model, inputs)`, templateText(edit, reads))
}

const printLine = (name: string, isCompared: boolean): string =>
  isCompared
    ? `console.log('${name}', await edited.${name}.sub(unedited.${name}).value())`
    : `console.log('${name}', values.${name})`
