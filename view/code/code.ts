import type { Inputs } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { resolvePath } from '../../runtime/names/resolve.ts'
import type { Opening } from '../model/open-model.ts'
import type { Code, CodeRequest, ModelDescription } from '../protocol/api.ts'
import { sitesOf } from '../readings/attention.ts'
import { patternsIn } from '../readings/patterns.ts'
import { assertValidTemplate, type TraceTarget, traceWithTemplate } from '../readings/template-trace.ts'
import { readingsOf } from '../readings/values.ts'
import { Refusal } from '../server/refusal.ts'
import { type WrittenInputs, writeInputs } from './inputs.ts'
import { type Read, readsOf, type ShownValues } from './reads.ts'

/** The model of a program. */
export interface ShownModel {
  readonly opening: Opening
  /** The input for token ids. */
  readonly ids: string | undefined
  readonly description: ModelDescription
}

/** Writes a program and a template that compute what the page shows. @throws Refusal if no code can compute it */
export async function viewCode(
  target: TraceTarget,
  inputs: Inputs,
  request: CodeRequest,
  { opening, ids, description }: ShownModel,
  tokens: number | undefined,
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
  if (request.tab === 'patch') return patchCode(opening, writeInputs(target.model, request, inputs, ids), request)
  if (request.tab === 'generate')
    return generationCode(opening, writeInputs(target.model, request, inputs, ids), request)
  const reads = readsOf(await findShown(target, inputs, request, tokens), description, request)
  const written = writeInputs(target.model, request, inputs, ids)
  return {
    typescript: program(opening, written, reads, edit, request.isCompared ?? false),
    template: templateText(edit, reads),
  }
}

/** The lines with which a program begins: its imports, the model, and notes about the inputs. */
function beginning(
  opening: Opening,
  inputs: WrittenInputs,
  functions: readonly string[],
  imports: readonly string[] = [],
): string[] {
  const ownFunctions = inputs.functions.filter(name => name !== 'readFile')
  return [
    ...(inputs.functions.includes('readFile') ? ["import { readFile } from 'node:fs/promises'"] : []),
    `import { ${[opening.uses, ...ownFunctions, ...functions].sort().join(', ')} } from 'onnsight'`,
    ...imports,
    '',
    `const model = ${opening.text}`,
    ...inputs.notes,
  ]
}

/** The lines of a tagged template: what stands before it, and its text. */
const tagged = (start: string, text: string): string[] => [
  `${start}\``,
  ...text.split('\n').map(line => (line.trim() === '' ? '' : `  ${line}`)),
  '`',
]

/** A program that patches what the page patches. */
function patchCode(opening: Opening, clean: WrittenInputs, { corrupted = '', part = 'residual' }: CodeRequest): Code {
  if (corrupted === '')
    throw new Refusal(422, 'view-code', 'Nothing was patched yet.', 'write the corrupted text, and press Patch')
  const studies = "import { logitDifference, patchActivations } from 'onnsight/study'"
  const typescript = `${beginning(opening, clean, [], [studies]).join('\n')}
const [clean, corrupted] = [${clean.text}, ${JSON.stringify(corrupted)}]
// The token that the model predicts after each text.
const best = async (text: string) =>
  Number((await model.trace(text, m => Object.values(m.outputs)[0].select(0, 0).select(0, -1).argmax(-1))).item())
const metric = logitDifference(await best(clean), await best(corrupted))
const patched = await patchActivations(model, { clean, corrupted, metric, part: '${part}' })
console.log(patched)
await (await patched.plot()).save('patching.svg')
await model.release()
`
  return { typescript, template: '' }
}

/** A program that generates with the edit and without it. */
function generationCode(opening: Opening, inputs: WrittenInputs, { template: edit, generation }: CodeRequest): Code {
  const { maxNewTokens = 40, temperature = 0, seed = 0 } = generation ?? {}
  if (edit !== undefined) assertFitsTemplate(edit)
  const options = temperature > 0 ? `temperature: ${temperature}, seed: ${seed}` : 'doSample: false'
  const shown = opening.uses === 'LanguageModel' ? 'text' : 'ids'
  const lines = [
    ...beginning(opening, inputs, edit === undefined ? [] : ['template']),
    `const prompt = ${inputs.text}`,
    `const options = { maxNewTokens: ${maxNewTokens}, ${options} }`,
    '',
    `console.log((await model.generate(prompt, options)).${shown})`,
    ...(edit === undefined
      ? []
      : [
          ...tagged('const edit = template', edit),
          `console.log((await model.generate(prompt, options, edit)).${shown})`,
        ]),
    'await model.release()',
  ]
  return { typescript: `${lines.join('\n')}\n`, template: edit ?? '' }
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
    const { readings, main, note } = readingsOf(binding, module)
    const valueIndex = request.value ?? main
    const patterns = patternsIn(binding, module, tokens)
    const chosen = patterns.find(({ pattern }) => pattern.node === request.pattern?.node) ?? patterns[0]
    const sites = request.tab === 'attention' ? sitesOf(model) : []
    return {
      site: sites.includes(request.path) ? request.path : sites[0],
      taps,
      module,
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

/** @throws Refusal for an edit that can't be the text of a template in TypeScript */
function assertFitsTemplate(edit: string): void {
  if (/`|\$\{/.test(edit))
    throw new Refusal(
      422,
      'view-code',
      'The edit contains ` or ${, which end the text of a template in TypeScript.',
      'remove them, and run the edit again',
    )
}

const printLine = (name: string, isCompared: boolean): string =>
  isCompared
    ? `console.log('${name}', await edited.${name}.sub(unedited.${name}).value())`
    : `console.log('${name}', values.${name})`
