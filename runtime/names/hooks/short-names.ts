/** Names that TransformerLens's `get_act_name` replaces by others. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  attn: 'pattern',
  attn_logits: 'attn_scores',
  key: 'k',
  query: 'q',
  value: 'v',
  mlp_pre: 'pre',
  mlp_mid: 'mid',
  mlp_post: 'post',
}

const OTHER_PARTS: Readonly<Record<string, string>> = {
  a: 'attn',
  m: 'mlp',
  b: '',
  block: '',
  blocks: '',
  attention: 'attn',
}

const OF_ATTENTION = new Set(['k', 'v', 'q', 'z', 'rot_k', 'rot_q', 'result', 'pattern', 'attn_scores'])
const OF_MLP = new Set(['pre', 'post', 'mid', 'pre_linear'])

/**
 * The full name of a hook from TransformerLens's short forms (`get_act_name` of transformer-lens 2.16): `('pattern', 5)`,
 * `('scale', 4, 'ln1')`, `'k6'`, `'pre5'`. A full name is returned unchanged. Negative layers count from the end.
 */
export function hookName(name: string, layer?: number, part?: string, layers = 0): string {
  if ((name.includes('.') || name.startsWith('hook_')) && layer === undefined && part === undefined) return name
  const match = /^([a-z_]+?)(\d+)([a-z]?.*)$/.exec(name)
  const [short, at, of] = match ? [match[1], Number(match[2]), match[3] || part] : [name, layer, part]
  const own = OTHER_NAMES[short] ?? short
  const inner = OF_ATTENTION.has(own) ? 'attn' : OF_MLP.has(own) ? 'mlp' : (OTHER_PARTS[of ?? ''] ?? of)
  if (at === undefined && (own === 'scale' || own === 'normalized')) return `ln_final.hook_${own}`
  const from = at === undefined ? '' : `blocks.${at < 0 ? at + layers : at}.`
  return `${from}${inner ? `${inner}.` : ''}hook_${own}`
}
