import {
  attributionMethods,
  type Comparing,
  comparedInputs,
  type Follow,
  lineOrders,
  patchedParts,
  type Steering,
} from '../../protocol/api.ts'
import type { Field, InputForm } from '../../protocol/form.ts'
import {
  attentionShapes,
  type Generation,
  initialState,
  type Limits,
  type Shown,
  type Side,
  type TabName,
  tabNames,
  type ViewState,
} from './view-state.ts'

/** The longest address in characters. Browsers take longer ones, but other programs cut off long links. */
const MAX_LENGTH = 30_000

/** Writes the state as the part of an address after #. It has the names of files, but not their contents. */
export function addressOf(state: ViewState): string {
  const parts = partsOf(state)
  const address = String(new URLSearchParams(parts))
  if (address.length <= MAX_LENGTH) return address
  return String(new URLSearchParams(parts.filter(([name]) => !/^(?:in\.|text$|ids$|towards$|away$|texts$)/.test(name))))
}

function partsOf({
  tab,
  module,
  node,
  side,
  input,
  edit,
  batch,
  token,
  value,
  leading,
  axes,
  facets,
  allRows,
  pattern,
  line,
  limits,
  shown,
  layer,
  follow,
  method,
  site,
  head,
  drawn,
  generation,
  steering,
  corrupted,
  part,
  answers,
  layers,
  patched,
  comparing,
  parted,
}: ViewState) {
  const parts: [string, string][] = []
  const add = (name: string, value: string | number | undefined, defaultValue?: string | number): void => {
    if (value !== undefined && value !== defaultValue) parts.push([name, String(value)])
  }
  add('tab', tab)
  add('module', module, '')
  add('op', node)
  if (input) {
    if (input.text !== '') add(input.kind, input.text)
    for (const [name, { kind, json, file }] of Object.entries(input.fields))
      add(`in.${name}`, kind === 'file' ? `file:${file?.name ?? ''}` : isWritten(kind) ? `${kind}:${json}` : kind)
    for (const [name, size] of Object.entries(input.dims)) add(`dim.${name}`, size)
  }
  add('edit', edit)
  add('side', side, initialState.side)
  add('batch', batch, 0)
  add('token', token)
  add('value', value)
  if (leading?.length) add('at', leading.join(','))
  if (axes) add('axes', axes.join(','))
  add('facets', facets)
  if (allRows) add('rows', 'all')
  add('node', pattern?.node)
  add('head', pattern?.head, 0)
  add('line', line.axis, 'row')
  add('row', line.row, 0)
  add('column', line.column, 0)
  add('order', line.order)
  add('limits', limits, initialState.limits)
  add('show', shown, initialState.shown)
  add('layer', layer)
  add('follow', follow, initialState.follow)
  add('method', method, initialState.method)
  add('site', site)
  add('corrupted', corrupted)
  add('part', part, initialState.part)
  add('answer', answers?.[0], '')
  add('other', answers?.[1], '')
  if (layers) add('layers', layers.join(','))
  if (patched) add('patch', [patched.layer, patched.place].join(','))
  if (comparing) {
    add('compare', comparing.on)
    if (comparing.texts) add('texts', comparing.texts.join('\n'))
  }
  if (parted) add('parted', [parted.input, ...(parted.token === undefined ? [] : [parted.token])].join(','))
  if (steering) {
    add('towards', steering.towards.join('\n'))
    add('away', steering.away.join('\n'))
    add('steer', [steering.layer, steering.strength].join(','))
  }
  if (generation) add('generate', [generation.maxNewTokens, generation.temperature, generation.seed].join(','))
  add('which', head, 0)
  add('drawn', drawn, initialState.drawn)
  return parts
}

/** Reads the state from an address. Parts that are missing or wrong have their initial values. */
export function stateFromAddress(address: string, firstTab: TabName): ViewState {
  const parts = new URLSearchParams(address.replace(/^#/, ''))
  const number = (name: string): number | undefined => {
    const text = parts.get(name)
    return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined
  }
  const optional = <K extends string, V>(name: K, value: V | null | undefined) =>
    (value === undefined || value === null ? {} : { [name]: value }) as { [P in K]?: V }
  const oneOf = <T extends string>(name: string, all: readonly T[], defaultValue: T): T =>
    all.find(one => one === parts.get(name)) ?? defaultValue
  const leading = parts.get('at')?.split(',').map(Number)
  const patternNode = parts.get('node')
  return {
    tab: oneOf<TabName>('tab', tabNames, parts.size === 0 ? firstTab : 'module'),
    module: parts.get('module') ?? '',
    ...optional('node', parts.get('op')),
    side: oneOf<Side>('side', ['unedited', 'edited', 'compared'], initialState.side),
    ...optional('input', typedIn(parts)),
    ...optional('edit', parts.get('edit')),
    batch: number('batch') ?? 0,
    ...optional('token', number('token')),
    ...optional('value', number('value')),
    ...optional('leading', leading?.every(Number.isSafeInteger) ? leading : undefined),
    ...optional('axes', pairIn(parts.get('axes'))),
    ...optional('facets', number('facets')),
    ...optional('allRows', parts.get('rows') === 'all' ? true : undefined),
    ...optional('pattern', patternNode === null ? undefined : { node: patternNode, head: number('head') ?? 0 }),
    line: {
      axis: oneOf('line', ['row', 'column'], 'row'),
      row: number('row') ?? 0,
      column: number('column') ?? 0,
      ...optional(
        'order',
        lineOrders.find(one => one === parts.get('order')),
      ),
    },
    limits: oneOf<Limits>('limits', ['robust', 'whole'], initialState.limits),
    shown: oneOf<Shown>('show', ['values', 'graph'], initialState.shown),
    ...optional('layer', number('layer')),
    ...optional('site', parts.get('site')),
    ...optional('corrupted', parts.get('corrupted')),
    part: oneOf('part', patchedParts, initialState.part),
    ...optional('answers', answersIn(parts)),
    ...optional('layers', pairIn(parts.get('layers'))),
    ...optional('patched', patchedIn(parts.get('patch'))),
    ...optional('comparing', comparingIn(parts)),
    ...optional('parted', partedIn(parts.get('parted'))),
    ...optional('steering', steeringIn(parts)),
    ...optional('generation', generationIn(parts.get('generate'))),
    head: number('which') ?? 0,
    drawn: oneOf('drawn', attentionShapes, initialState.drawn),
    method: oneOf('method', attributionMethods, initialState.method),
    follow: oneOf<Follow>('follow', ['next', 'model'], initialState.follow),
  }
}

function generationIn(text: string | null): Generation | undefined {
  const [maxNewTokens, temperature, seed] = text?.split(',').map(Number) ?? []
  const isKnown = maxNewTokens >= 1 && maxNewTokens <= 1000 && temperature >= 0 && Number.isSafeInteger(seed)
  return isKnown ? { maxNewTokens, temperature, seed } : undefined
}

function answersIn(parts: URLSearchParams): readonly [string, string] | undefined {
  const [answer, other] = [parts.get('answer') ?? '', parts.get('other') ?? '']
  return answer === '' && other === '' ? undefined : [answer, other]
}

function patchedIn(text: string | null) {
  const [layer, place] = pairIn(text) ?? []
  return layer === undefined || place === undefined ? undefined : { layer, place }
}

function comparingIn(parts: URLSearchParams): Comparing | undefined {
  const on = comparedInputs.find(one => one === parts.get('compare'))
  if (on !== 'texts') return on && { on }
  const texts = linesOf(parts.get('texts') ?? '')
  return texts.length > 0 ? { on, texts } : undefined
}

function partedIn(text: string | null): ViewState['parted'] {
  const [, input, token] = /^(\d{1,9})(?:,(\d{1,9}))?$/.exec(text ?? '') ?? []
  if (input === undefined) return undefined
  return { input: Number(input), ...(token === undefined ? {} : { token: Number(token) }) }
}

/** Reads two whole numbers from 0, separated by a comma; undefined for any other text. */
function pairIn(text: string | null): readonly [number, number] | undefined {
  const [, a, b] = /^(\d{1,9}),(\d{1,9})$/.exec(text ?? '') ?? []
  return a === undefined ? undefined : [Number(a), Number(b)]
}

function steeringIn(parts: URLSearchParams): Steering | undefined {
  const [layer, strength] = parts.get('steer')?.split(',').map(Number) ?? []
  const [towards, away] = ['towards', 'away'].map(name => linesOf(parts.get(name) ?? ''))
  const isKnown = Number.isSafeInteger(layer) && layer >= 0 && Number.isFinite(strength)
  return isKnown && towards.length > 0 && away.length > 0 ? { towards, away, layer, strength } : undefined
}

/** The texts of a field that has one text in each line. Empty lines are skipped. */
export const linesOf = (text: string): string[] => text.split('\n').filter(line => line.trim() !== '')

/** Reads the input; undefined if the address has none. */
function typedIn(parts: URLSearchParams): InputForm | undefined {
  const [text, ids] = [parts.get('text'), parts.get('ids')]
  const named = (start: string): [string, string][] =>
    [...parts].filter(([name]) => name.startsWith(start)).map(([name, value]) => [name.slice(start.length), value])
  const fields = named('in.')
  const dims = named('dim.').filter(([, size]) => /^\d{1,9}$/.test(size))
  if (text === null && ids === null && fields.length === 0) return undefined
  return {
    kind: text === null ? 'ids' : 'text',
    text: text ?? ids ?? '',
    fields: Object.fromEntries(fields.map(([name, value]) => [name, fieldIn(value)])),
    dims: Object.fromEntries(dims.map(([name, size]) => [name, Number(size)])),
  }
}

function fieldIn(value: string): Field {
  const written = (['json', 'text'] as const).find(kind => value.startsWith(`${kind}:`))
  if (written) return { kind: written, json: value.slice(written.length + 1) }
  const kinds = ['random', 'zeros', 'ones', 'positions'] as const
  return { kind: kinds.find(kind => kind === value) ?? 'file', json: '' }
}

/** Whether the user writes the value of a field. */
const isWritten = (kind: Field['kind']): boolean => kind === 'json' || kind === 'text'
