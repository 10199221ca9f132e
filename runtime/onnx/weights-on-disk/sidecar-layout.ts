import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { SourceFile } from '../files/file-identity.ts'
import type { FileRange } from '../files/parts.ts'

/** What decides how onnxruntime packs weights. Other packed weights do no harm: it does not use them. */
export interface Packer {
  /** The processor, with its features. */
  readonly processor: string
  /** The version of onnxruntime. */
  readonly version: string
}

/** The names, sizes and places in a sidecar that are known before it is written. */
export interface SidecarLayout {
  /** The sidecar's file name. It changes with the size, date and inode of each file that the model was read from, and with onnxruntime. */
  readonly name: string
  /** Whether a file of this name is an earlier edition for the same model file and processor. */
  isEarlier(name: string): boolean
  /** The number of each payload, by `rangeKey`. */
  readonly numbers: ReadonlyMap<string, number>
  /** The offset in bytes of each payload from the first one's. */
  readonly offsets: readonly number[]
  /** Bytes of the header and all payloads. */
  readonly size: number
  /** A text that lists the contents of the file. Its length is the same for every date. */
  header(written: Date): Uint8Array
}

const FORMAT = 'onnsight weights 2\n'
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
export function layOut(
  payloads: readonly FileRange[],
  sources: readonly SourceFile[],
  packer: Packer | undefined,
): SidecarLayout {
  const files = new Map(sources.map(({ file }, i) => [file, i]))
  const list = payloads.map(({ file, offset, length }) => [files.get(file), offset, length])
  const text = JSON.stringify({ sources, packer, payloads: list })
  const header = (written: Date): Uint8Array => Buffer.from(`${FORMAT}${written.toISOString()}\n${text}\n`)

  const offsets: number[] = []
  let end = 0
  for (const { length } of payloads) {
    offsets.push(end)
    end = toPage(end + length)
  }
  const [{ file }] = sources
  const processor = packer ? `${hash(packer.processor).slice(0, 8)}.` : ''
  const prefix = `${readableName(file)}.${hash(file).slice(0, 8)}.${processor}`
  const name = `${prefix}${hash(FORMAT + JSON.stringify({ sources, packer })).slice(0, 24)}.weights`
  return {
    name,
    isEarlier: other => other !== name && other.startsWith(prefix) && EDITION.test(other.slice(prefix.length)),
    numbers: new Map(payloads.map((payload, i) => [rangeKey(payload), i])),
    offsets,
    size: toPage(header(new Date(0)).length) + end,
    header,
  }
}

/** The end of a name, after the prefix that all editions for one model file and processor share. */
const EDITION = /^[0-9a-f]{24}\.weights$/

export const toPage = (position: number): number => Math.ceil(position / PAGE) * PAGE

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The model's name, so that a person who looks into the folder recognises the file. */
const readableName = (path: string): string =>
  basename(path)
    .replace(/\.onnx$/, '')
    .replaceAll(/[^\w-]/g, '_')
    .slice(0, 40)
