import { isHeadPart, type PartPlace, wordsFor } from '../../study/sweeps/sites.ts'
import type { Opening } from '../model/open-model.ts'
import type { AttributionMethod, Code, CodeRequest } from '../protocol/api.ts'
import { Refusal } from '../server/refusal.ts'
import type { WrittenInputs } from './inputs.ts'
import { assertFitsTemplate, beginning, tagged } from './parts.ts'
import { moduleIn } from './paths.ts'

/** A program that patches the same activations as the page. */
export function patchCode(opening: Opening, clean: WrittenInputs, patch: CodeRequest['patch']): Code {
  if (!patch)
    throw new Refusal(422, 'view-code', 'Nothing was patched yet.', 'write the corrupted text, and press Patch')
  const { corrupted, part, answers = ['', ''], layers } = patch
  const studies = "import { logitDifference, patchActivations } from 'onnsight/study'"
  const named = answers.map((answer, i) =>
    answer === '' ? `await best(${['clean', 'corrupted'][i]})` : JSON.stringify(answer),
  )
  const best = [
    '// The token that the model predicts after each text.',
    'const best = async (text: Inputs) =>',
    '  Number((await model.trace(text, m => Object.values(m.outputs)[0].select(0, 0).select(0, -1).argmax(-1))).item())',
  ]
  const all = layers && Array.from({ length: layers[1] - layers[0] + 1 }, (_, i) => layers[0] + i)
  const lines = [
    ...beginning(opening, clean, answers.includes('') ? ['type Inputs'] : [], [studies]),
    `const [clean, corrupted] = [${clean.text}, ${JSON.stringify(corrupted)}]`,
    ...(answers.includes('') ? best : []),
    `const metric = logitDifference(${named.join(', ')})`,
    `const patched = await patchActivations(model, { clean, corrupted, metric, part: '${part}'${all ? `, layers: [${all.join(', ')}]` : ''} })`,
    'console.log(patched)',
    "await (await patched.plot()).save('patching.svg')",
    'await model.release()',
  ]
  return { typescript: `${lines.join('\n')}\n`, template: '' }
}

/** A program that runs the corrupted text with one activation of the clean one. @param at the place of the activation */
export function patchedCellCode(
  opening: Opening,
  clean: WrittenInputs,
  { corrupted, part }: NonNullable<CodeRequest['patch']>,
  { layer, place, answers }: NonNullable<CodeRequest['patched']>,
  at: PartPlace,
  logits: string | undefined,
): Code {
  const module = moduleIn('typescript', at.path)
  const head = `${module}.heads[${place}].${at.member}`
  const all = `${module}.heads.${at.member}`
  // Heads may share their keys and values, so these have numbers of their own.
  const [read, write] =
    part === 'key' || part === 'value'
      ? [`${all}.select(2, ${place})`, `${all}.set([{}, {}, ${place}], kept)`]
      : isHeadPart(part)
        ? [head, `${head} = kept`]
        : [`${module}.${at.member}.select(1, ${place})`, `${module}.${at.member}.set([{}, ${place}], kept)`]
  const lines = [
    ...beginning(opening, clean, [], ["import { trace } from 'onnsight/trace.macro'"]),
    `const [clean, corrupted] = [${clean.text}, ${JSON.stringify(corrupted)}]`,
    '// The ids of the two answers.',
    `const [answer, other] = [${answers.join(', ')}]`,
    `// Layer ${layer}: ${wordsFor[part]}, ${isHeadPart(part) ? 'head' : 'position'} ${place}, in the clean run.`,
    `const kept = await trace(model, clean, () => ${read})`,
    '// The logit difference of the corrupted run with it.',
    'const difference = await trace(model, corrupted, () => {',
    `  ${write}`,
    `  const last = model.outputs[${JSON.stringify(logits)}].select(0, 0).select(0, -1)`,
    '  return last.select(0, answer).sub(last.select(0, other))',
    '})',
    'console.log(difference.item())',
    'await model.release()',
  ]
  return { typescript: `${lines.join('\n')}\n`, template: '' }
}

const attributions: Readonly<Record<AttributionMethod, string>> = {
  gradient: 'gradientTimesInput',
  saliency: 'saliency',
  integrated: 'integratedGradients',
}

/** A program that attributes the same token's log probability to the tokens before it, and ablates each part. */
export function importanceCode(
  opening: Opening,
  inputs: WrittenInputs,
  { method, position, id }: { readonly method: AttributionMethod; readonly position: number; readonly id: number },
): Code {
  const lines = [
    ...beginning(
      opening,
      inputs,
      [],
      [`import { ablate, ${attributions[method]}, logProbability } from 'onnsight/study'`],
    ),
    `const prompt = ${inputs.text}`,
    `const metric = logProbability(${id}, { position: ${position} })`,
    `console.log(await ${attributions[method]}(model, prompt, { metric }))`,
    "for (const part of ['head', 'attention', 'mlp'] as const) console.log(await ablate(model, prompt, { metric, part }))",
    'await model.release()',
  ]
  return { typescript: `${lines.join('\n')}\n`, template: '' }
}

/** A program that generates with the edit and without it. */
export function generationCode(
  opening: Opening,
  inputs: WrittenInputs,
  { template: edit, generation }: CodeRequest,
): Code {
  if (edit !== undefined) assertFitsTemplate(edit)
  const shown = opening.uses === 'LanguageModel' ? 'text' : 'ids'
  const lines = [
    ...beginning(opening, inputs, edit === undefined ? [] : ['template']),
    `const prompt = ${inputs.text}`,
    optionsLine(generation),
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

/** A program that generates without steering and with it. */
export function steeringCode(opening: Opening, inputs: WrittenInputs, { steering, generation }: CodeRequest): Code {
  if (!steering)
    throw new Refusal(422, 'view-code', 'Nothing was steered yet.', 'write texts for both sides, and press Steer')
  const { towards, away, layer, strength } = steering
  const studies = "import { steeringVector } from 'onnsight/study'"
  const list = (texts: readonly string[]): string => texts.map(text => `\n    ${JSON.stringify(text)},`).join('')
  const typescript = `${beginning(opening, inputs, [], [studies]).join('\n')}
// The mean of the first texts minus that of the second ones, after a layer.
const vector = await steeringVector(model, {
  positive: [${list(towards)}
  ],
  negative: [${list(away)}
  ],
  layer: ${layer},
})
const steered = vector.apply(model, ${strength})

const prompt = ${inputs.text}
${optionsLine(generation)}
console.log((await model.generate(prompt, options)).text)
console.log((await steered.generate(prompt, options)).text)
await model.release()
`
  return { typescript, template: '' }
}

function optionsLine({
  maxNewTokens = 40,
  temperature = 0,
  seed = 0,
}: Partial<CodeRequest['generation']> = {}): string {
  const choice = temperature > 0 ? `temperature: ${temperature}, seed: ${seed}` : 'doSample: false'
  return `const options = { maxNewTokens: ${maxNewTokens}, ${choice} }`
}
