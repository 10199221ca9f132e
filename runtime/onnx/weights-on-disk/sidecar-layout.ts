import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { SourceFile } from '../files/file-identity.ts'
import type { FileRange, Part } from '../files/parts.ts'

/** The contents of a sidecar: a header, then each payload at the start of a page. */
export interface SidecarLayout {
  /** The sidecar's file name. It changes with the size, date and inode of each file that the model was read from. */
  readonly name: string
  /** The names of all editions for one model file begin with it. */
  readonly prefix: string
  readonly size: number
  /** The offset in bytes of each payload, by `rangeKey`. */
  readonly offsets: ReadonlyMap<string, number>
  /** A text that lists the contents of the file. Its length is the same for every date. */
  header(written: Date): Uint8Array
  parts(written: Date): Part[]
}

const FORMAT = 'onnsight weights 1\n'
const PAGE = 4096
/** A cache line: kernels read weights that begin at one as fast as those that begin at a page. */
const ALIGNED = 64

/** Equal for tensors that share their bytes. */
export const rangeKey = ({ file, offset, length }: FileRange): string => `${offset} ${length} ${file}`

/** Whether a copy is worth it: kernels are slower on unaligned weights, but not if those are less than a hundredth of the bytes. */
export function isUnaligned(payloads: readonly FileRange[]): boolean {
  let all = 0
  let unaligned = 0
  for (const { offset, length } of payloads) {
    all += length
    if (offset % ALIGNED !== 0) unaligned += length
  }
  return unaligned > all / 100
}

/** @param sources the files that contain the payloads, the model's own file first */
export function layOut(payloads: readonly FileRange[], sources: readonly SourceFile[]): SidecarLayout {
  const numbers = new Map(sources.map(({ file }, i) => [file, i]))
  const index = payloads.map(({ file, offset, length }) => [numbers.get(file), offset, length])
  const text = JSON.stringify({ sources, payloads: index })
  const header = (written: Date): Uint8Array => Buffer.from(`${FORMAT}${written.toISOString()}\n${text}\n`)

  const offsets = new Map<string, number>()
  let end = toPage(header(new Date(0)).length)
  for (const payload of payloads) {
    offsets.set(rangeKey(payload), end)
    end = toPage(end + payload.length)
  }
  const [{ file }] = sources
  const prefix = `${readableName(file)}.${hash(file).slice(0, 8)}.`
  return {
    name: `${prefix}${hash(FORMAT + JSON.stringify(sources)).slice(0, 24)}.weights`,
    prefix,
    size: end,
    offsets,
    header,
    parts: written => [header(written), ...payloads].flatMap(padded),
  }
}

const toPage = (position: number): number => Math.ceil(position / PAGE) * PAGE

const padded = (part: Part): Part[] => [part, new Uint8Array(toPage(part.length) - part.length)]

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The model's name, so that a person who looks into the folder recognises the file. */
const readableName = (path: string): string =>
  basename(path)
    .replace(/\.onnx$/, '')
    .replaceAll(/[^\w-]/g, '_')
    .slice(0, 40)
