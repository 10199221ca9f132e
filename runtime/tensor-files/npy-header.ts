/** The header of a .npy file. */
export interface NpyHeader {
  /** The dtype, such as `<f4`. */
  readonly descr: string
  readonly shape: readonly number[]
  /** Whether elements are in column-major order. */
  readonly fortran: boolean
  /** The offset of the elements in bytes. */
  readonly offset: number
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
/** The elements' offset is a multiple of this. */
const ALIGNMENT = 64

/** A header as numpy writes it; it contains a Python dict. */
export function npyHeader(descr: string, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`
  const isShort = 10 + text.length + ALIGNMENT < 2 ** 16
  const start = isShort ? 10 : 12
  const end = Math.ceil((start + text.length + 1) / ALIGNMENT) * ALIGNMENT
  const bytes = Buffer.alloc(end, ' ')
  bytes.set([...MAGIC, isShort ? 1 : 2, 0])
  if (isShort) bytes.writeUInt16LE(end - start, 8)
  else bytes.writeUInt32LE(end - start, 8)
  bytes.write(`${text.padEnd(end - start - 1)}\n`, start, 'latin1')
  return bytes
}

/** @param start the file's first bytes, at least the whole header @throws the error that `fail` returns, for any other file */
export function readNpyHeader(start: Uint8Array, fail: (reason: string) => Error): NpyHeader {
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.byteLength)
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) throw fail('it does not begin as one')
  const version = bytes[6]
  if (version < 1 || version > 3) throw fail(`it is of version ${version}, and 1 to 3 are known`)
  const from = version === 1 ? 10 : 12
  if (bytes.length < from) throw fail('it is cut off')
  const length = version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8)
  if (from + length > bytes.length) throw fail('it is cut off in its header')
  const text = bytes.toString(version === 3 ? 'utf8' : 'latin1', from, from + length)
  const entries = readDict(text)
  const { descr, fortran_order: fortran, shape } = entries ?? {}
  if (Array.isArray(descr)) throw fail('it holds records, and a tensor has elements of one dtype')
  const isShape = Array.isArray(shape) && shape.every(dim => Number.isSafeInteger(dim) && (dim as number) >= 0)
  if (typeof descr !== 'string' || typeof fortran !== 'boolean' || !isShape)
    throw fail('its header is not that of an array')
  return { descr, fortran, shape: shape as number[], offset: from + length }
}

type Literal = string | boolean | number | Literal[]

/** One token of the Python literals in headers. */
const TOKEN = /\s*(?:(True|False)\b|(\d+)L?|'([^'\\]*)'|"([^"\\]*)"|([{}()[\]:,]))/y

/** The deepest nesting of tuples, which dtypes of records have. */
const MAX_DEPTH = 16

/** A Python dict of strings, booleans, whole numbers and tuples of them; undefined for anything else. */
function readDict(text: string): Readonly<Record<string, Literal>> | undefined {
  const source = text.trimEnd()
  const token = new RegExp(TOKEN)
  const tokens: { readonly sign?: string; readonly value?: Literal }[] = []
  while (token.lastIndex < source.length) {
    const found = token.exec(source)
    if (!found) return undefined
    const [, truth, digits, single, double, sign] = found
    if (sign !== undefined) tokens.push({ sign })
    else if (truth !== undefined) tokens.push({ value: truth === 'True' })
    else tokens.push({ value: digits === undefined ? (single ?? double) : Number(digits) })
  }
  let at = 0
  const take = (sign: string): boolean => {
    const isNext = tokens[at]?.sign === sign
    if (isNext) at++
    return isNext
  }
  const literal = (depth = 0): Literal | undefined => {
    const close = take('(') ? ')' : take('[') ? ']' : undefined
    if (close === undefined) return tokens[at++]?.value
    if (depth === MAX_DEPTH) return undefined
    const items: Literal[] = []
    while (!take(close)) {
      const item = literal(depth + 1)
      if (item === undefined) return undefined
      items.push(item)
      if (!take(',') && tokens[at]?.sign !== close) return undefined
    }
    return items
  }
  if (!take('{')) return undefined
  const entries: Record<string, Literal> = {}
  while (!take('}')) {
    const key = literal()
    if (typeof key !== 'string' || !take(':')) return undefined
    const value = literal()
    if (value === undefined) return undefined
    entries[key] = value
    if (!take(',') && tokens[at]?.sign !== '}') return undefined
  }
  return at === tokens.length ? entries : undefined
}
