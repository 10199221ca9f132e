import { readFileSync, writeFileSync } from 'node:fs'

const PAGE = 'docs/names.md'
const [BEGIN, END] = ['<!-- names: begin -->', '<!-- names: end -->']

/** The largest difference between a name's values and the other library's, as a share of the largest value, in each model that has the name. */
export interface Row {
  readonly name: string
  readonly dims: string
  readonly off: Readonly<Record<string, number>>
}

/** The value that a name stands for in onnsight, in a GPT-2 and in a Llama. */
const HERE: Readonly<Record<string, string>> = {
  hook_embed: '`wte.output`, `embed_tokens.output`',
  hook_pos_embed: '`wpe.output`, a row for each prompt',
  'blocks.i.hook_resid_pre': '`h[i].input`',
  'blocks.i.ln1.hook_scale': 'the standard deviation, or root of the mean square, that the norm divides by',
  'blocks.i.ln1.hook_normalized': '`h[i].ln_1.output`; of an RMSNorm before its weight',
  'blocks.i.attn.hook_q': '`attn.heads.q`',
  'blocks.i.attn.hook_k': '`attn.heads.k`',
  'blocks.i.attn.hook_v': '`attn.heads.v`',
  'blocks.i.attn.hook_rot_q': 'queries after the rotary embedding',
  'blocks.i.attn.hook_rot_k': 'keys after the rotary embedding',
  'blocks.i.attn.hook_attn_scores': '`attn.heads.scores`',
  'blocks.i.attn.hook_pattern': '`attn.heads.pattern`',
  'blocks.i.attn.hook_z': '`attn.heads.z`',
  'blocks.i.attn.hook_result': '`attn.heads.result`',
  'blocks.i.hook_attn_out': '`h[i].attn.output`',
  'blocks.i.hook_resid_mid': 'the stream between attention and MLP',
  'blocks.i.ln2.hook_scale': 'as `ln1`',
  'blocks.i.ln2.hook_normalized': 'as `ln1`',
  'blocks.i.mlp.hook_pre': 'before the activation: `mlp.c_fc.output`, `mlp.gate_proj.output`',
  'blocks.i.mlp.hook_pre_linear': 'the gate’s other factor: `mlp.up_proj.output`',
  'blocks.i.mlp.hook_post': 'after activation and gate: `mlp.c_proj.input`, `mlp.down_proj.input`',
  'blocks.i.hook_mlp_out': '`h[i].mlp.output`',
  'blocks.i.hook_resid_post': '`h[i].output`',
  'ln_final.hook_scale': 'as `ln1`',
  'ln_final.hook_normalized': '`ln_f.output`; of an RMSNorm before its weight',
  logits: '`hook_logits`, the model’s output',
  token_embeddings: '`hook_embed`',
  'layers_input[i]': '`h[i].input`',
  'attentions_output[i]': '`h[i].attn.output`',
  'attention_probabilities[i]': '`attn.heads.pattern`',
  'mlps_output[i]': '`h[i].mlp.output`',
  'layers_output[i]': '`h[i].output`',
  next_token_probs: 'the softmax of the last position’s logits',
}

/** The table's text. Names of all layers are one row, with the largest difference. */
export function tableOf(rows: readonly Row[], models: readonly string[]): string {
  const head = ['name', 'here', 'dims', ...models.map(model => `off in ${model}`)]
  const shown = (off: number | undefined): string =>
    off === undefined
      ? 'it has none'
      : off === 0
        ? '0'
        : off.toExponential(0).replace('e-', ' · 10⁻').replace(/\d+$/, superscript)
  const lines = rows.map(({ name, dims, off }) => [
    `\`${name}\``,
    HERE[name] ?? '',
    dims,
    ...models.map(model => shown(off[model])),
  ])
  return [head, head.map(() => '---'), ...lines].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

const superscript = (digits: string): string => [...digits].map(digit => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('')

/** The names that the page lists, in order. */
export function published(): string[] {
  const text = readFileSync(PAGE, 'utf8')
  const table = text.slice(text.indexOf(BEGIN), text.lastIndexOf(END))
  return [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name)
}

export function writeTables(lens: string, standard: string): void {
  const text = readFileSync(PAGE, 'utf8')
  const parts = text.split(/(?<=<!-- names: begin -->\n)[\s\S]*?(?=<!-- names: end -->)/)
  writeFileSync(PAGE, `${parts[0]}\n${lens}\n\n${parts[1]}\n${standard}\n\n${parts[2]}`)
}
