import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from 'commander'
import { load, type Model, type Module, type Tensor, tensor } from 'onnsight'
import { distance } from '../test/cases/compare.ts'
import { parseSafetensors } from '../test/cases/safetensors.ts'
import { readManifest } from './manifest.ts'

program
  .description(
    'Compares the heads of what make.py exported with those of PyTorch, in each step of a generation, by what heads.py wrote.',
  )
  .argument('<folder>', 'what make.py and heads.py wrote')
  .argument('[families...]', 'these only')
  .parse()
const [folder, ...only] = program.args

/** The layer and head that are edited, as in heads.py. */
const [LAYER, HEAD, STEPS, PADDED] = [1, 2, 5, 2]
const TOLERANCE = 2e-4

const PARTS = ['q', 'k', 'v', 'pattern', 'z', 'result'] as const
/** The names of TransformerLens whose values PyTorch's modules have. */
const HOOKS = [
  'hook_resid_pre',
  'ln1.hook_scale',
  'ln1.hook_normalized',
  'hook_attn_out',
  'ln2.hook_scale',
  'ln2.hook_normalized',
  'mlp.hook_pre',
  'mlp.hook_post',
  'hook_mlp_out',
  'hook_resid_post',
] as const

/** An edit of the layer `LAYER`, given its attention and the model's hooks. */
type Edit = (attention: Module, hooks: Model['hooks']) => void

type Values = Record<string, Tensor>

const EDITS: Readonly<Record<string, Edit>> = {
  plain: () => {},
  z: ({ heads }) => {
    heads[HEAD].z = 0
  },
  k: ({ heads }) => {
    heads[0].k = heads[0].k.mul(2)
    for (const head of heads.slice(1)) if (heads.length === heads.k.dims[2]) head.k = head.k.mul(2)
  },
  pattern: ({ heads }) => heads[HEAD].pattern.set('..., -1', 0),
  mlp: (_attention, hooks) => hooks[`blocks.${LAYER}.hook_mlp_out`].set(':, -1, :8', 0),
}

let failed = false
for (const [family, { places, files }] of Object.entries(readManifest(folder))) {
  const reference = join(folder, family, 'heads.safetensors')
  if ((only.length > 0 && !only.includes(family)) || !existsSync(reference)) continue
  const due = parseSafetensors(readFileSync(reference))
  for (const [exporter, { file }] of Object.entries(files)) {
    if (!file) continue
    const model = await load(join(folder, file))
    const attentions = Object.keys(places).filter(place => place.startsWith('attn.'))
    for (const kind of ['full', 'padded'])
      for (const [edit, change] of Object.entries(EDITS).filter(([name]) => due.has(`${kind}.${name}.ids`)))
        try {
          report(
            family,
            exporter,
            `${kind}, ${edit}`,
            await compared(
              model,
              attentions.map(place => places[place]),
              due,
              kind,
              edit,
              change,
            ),
          )
        } catch (error) {
          report(family, exporter, `${kind}, ${edit}`, [String(error).slice(0, 300)])
        }
    await model.release()
  }
}
process.exitCode = failed ? 1 : 0

function report(family: string, exporter: string, what: string, wrong: readonly string[]): void {
  failed ||= wrong.length > 0
  console.log(
    `${family} ${exporter}, ${what}: ${wrong.length === 0 ? 'equal' : `\n  ${wrong.slice(0, 8).join('\n  ')}`}`,
  )
}

/** Generates with the edit in each step, and says what differs from PyTorch. */
async function compared(
  model: Model,
  attentions: readonly string[],
  due: ReadonlyMap<string, Tensor>,
  kind: string,
  edit: string,
  change: Edit,
): Promise<string[]> {
  const names = new Set(model.signature.inputs.map(input => input.name))
  const inputs = Object.fromEntries(
    ['input_ids', 'attention_mask'].flatMap(name => (names.has(name) ? [[name, due.get(`${kind}.${name}`)!]] : [])),
  )
  const { ids, values } = await model.generate(inputs, { maxNewTokens: STEPS, eosTokenId: [] }, m => {
    const found: Values = {}
    for (const [layer, path] of attentions.entries()) {
      const { heads } = m.module(path)
      if (layer === LAYER) change(m.module(path), m.hooks)
      for (const part of [...PARTS, 'scores'] as const) found[`layer.${layer}.${part}`] = heads[part]
      for (const hook of HOOKS) found[`layer.${layer}.${hook}`] = m.hooks[`blocks.${layer}.${hook}`]
    }
    found.logits = m.hooks.hook_logits.slice(':, -1')
    return found
  })
  const wrong: string[] = []
  for (const [step, got] of (values as Values[]).entries())
    for (const [name, value] of Object.entries(got)) {
      const wanted = due.get(`${kind}.${edit}.step.${step}.${name.replace('scores', 'pattern')}`)
      if (!wanted) continue
      const mine = name.endsWith('scores') ? await value.softmax(-1).value() : value
      const off = String(mine.dims) === String(wanted.dims) ? await seen(mine, wanted, kind, name, step) : Infinity
      if (!(off <= TOLERANCE))
        wrong.push(`step ${step}, ${name}: off by ${off.toPrecision(2)}, dims ${mine.dims} and ${wanted.dims}`)
    }
  const wantedIds = String(due.get(`${kind}.${edit}.ids`)!.tolist())
  if (String(ids.tolist()) !== wantedIds) wrong.push(`ids ${ids.tolist()}, PyTorch ${wantedIds}`)
  return wrong
}

/** How far the values are apart, without those of padding, at which they mean nothing. */
async function seen(got: Tensor, wanted: Tensor, kind: string, name: string, step: number): Promise<number> {
  if (kind !== 'padded' || step > 0 || name === 'logits') return distance(got, wanted)
  const rows = /pattern|scores/.test(name) ? `:, ${PADDED}:` : `${PADDED}:`
  const parts = ['0', `1, ${rows}`].map(async where => {
    const [a, b] = await Promise.all([got, wanted].map(value => tensor(value).slice(where).value()))
    return distance(a, b)
  })
  return Math.max(...(await Promise.all(parts)))
}
