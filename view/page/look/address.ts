import { type Field, firstLook, type Look, type Side, type TabName, type Typed } from './look.ts'

/** Browsers carry more, people who copy a link don't. */
const MOST = 30_000

/** A look as the part of the address behind #. Files are named, their bytes stay behind. */
export function addressOf(look: Look): string {
  const parts = partsOf(look)
  const address = String(new URLSearchParams(parts))
  if (address.length <= MOST) return address
  return String(new URLSearchParams(parts.filter(([name]) => !/^(?:in\.|text$|ids$)/.test(name))))
}

function partsOf({ tab, module, side, input, edit, batch, token, value, leading, pattern, line, layer }: Look) {
  const parts: [string, string][] = []
  const add = (name: string, is: string | number | undefined, usual?: string | number): void => {
    if (is !== undefined && is !== usual) parts.push([name, String(is)])
  }
  add('tab', tab, 'module')
  add('module', module, '')
  if (input) {
    if (input.text !== '') add(input.kind, input.text)
    for (const [name, { kind, json, file }] of Object.entries(input.fields))
      add(`in.${name}`, kind === 'json' ? `json:${json}` : kind === 'file' ? `file:${file?.name ?? ''}` : kind)
    for (const [name, size] of Object.entries(input.dims)) add(`dim.${name}`, size)
  }
  add('edit', edit)
  add('side', side, firstLook.side)
  add('batch', batch, 0)
  add('token', token)
  add('value', value)
  if (leading?.length) add('at', leading.join(','))
  add('node', pattern?.node)
  add('head', pattern?.head, 0)
  add('line', line.axis, 'row')
  add('row', line.row, 0)
  add('column', line.column, 0)
  add('order', line.order, 'place')
  add('layer', layer)
  return parts
}

/** The look that stands in an address; what it lacks, or has wrong, is as at first. */
export function lookIn(address: string): Look {
  const parts = new URLSearchParams(address.replace(/^#/, ''))
  const number = (name: string): number | undefined => {
    const text = parts.get(name)
    return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined
  }
  const optional = <K extends string, V>(name: K, value: V | null | undefined) =>
    (value === undefined || value === null ? {} : { [name]: value }) as { [P in K]?: V }
  const oneOf = <T extends string>(name: string, all: readonly T[], usual: T): T =>
    all.find(one => one === parts.get(name)) ?? usual
  const leading = parts.get('at')?.split(',').map(Number)
  const node = parts.get('node')
  return {
    tab: oneOf<TabName>('tab', ['module', 'lens', 'edit'], 'module'),
    module: parts.get('module') ?? '',
    side: oneOf<Side>('side', ['unedited', 'edited', 'compared'], firstLook.side),
    ...optional('input', typedIn(parts)),
    ...optional('edit', parts.get('edit')),
    batch: number('batch') ?? 0,
    ...optional('token', number('token')),
    ...optional('value', number('value')),
    ...optional('leading', leading?.every(Number.isSafeInteger) ? leading : undefined),
    ...optional('pattern', node === null ? undefined : { node, head: number('head') ?? 0 }),
    line: {
      axis: oneOf('line', ['row', 'column'], 'row'),
      row: number('row') ?? 0,
      column: number('column') ?? 0,
      order: oneOf('order', ['place', 'magnitude'], 'place'),
    },
    ...optional('layer', number('layer')),
  }
}

/** Undefined where nothing was given yet. */
function typedIn(parts: URLSearchParams): Typed | undefined {
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
  if (value.startsWith('json:')) return { kind: 'json', json: value.slice('json:'.length) }
  const kinds = ['random', 'zeros', 'ones', 'positions'] as const
  return { kind: kinds.find(kind => kind === value) ?? 'file', json: '' }
}
