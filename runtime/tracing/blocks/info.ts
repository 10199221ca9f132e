import { type BlockText, decodeBlockText } from '../../../language/block-text.ts'
import type { SourcePosition } from '../../errors/error.ts'
import type { Frame } from './frame.ts'
import { cutOut } from './source-text.ts'

/** The macro's record of a block, made at build time. */
export type InfoRecord = BlockText

/** Decoded records, by their encoded text, because a block runs often. */
const decoded = new Map<string, InfoRecord>()

export function decodeInfo(encoded: string): InfoRecord {
  let record = decoded.get(encoded)
  if (!record) {
    record = decodeBlockText(encoded)
    decoded.set(encoded, record)
  }
  return record
}

/** The lines around a block, for code frames. */
export interface InfoContext {
  readonly firstLine: number
  readonly lines: readonly string[]
}

/** The parts of a record's text, which are cut out once, when they are first asked for. */
const cut = new WeakMap<InfoRecord, { readonly source: readonly string[]; readonly context: InfoContext }>()

function cutRecord(record: InfoRecord) {
  let known = cut.get(record)
  if (!known) {
    const lines = record.text.split('\n')
    known = { source: cutOut(lines, record), context: { firstLine: record.firstLine, lines } }
    cut.set(record, known)
  }
  return known
}

let unnamed = 0

/** Makes the Info of a block from the macro's record and the block's current variables. */
export let infoFromRecord: (record: InfoRecord, frame: Frame) => Info
let recordOf: (info: Info) => InfoRecord | undefined

/** A captured block: its text, its place, and the frame with the outer variables that it uses. */
export class Info {
  /** The outer variables; undefined for a block that was sent, or has no text. */
  readonly frame: Frame | undefined
  /** The line where the block begins, from 1; 0 for a block that was sent. */
  readonly startLine: number
  /** The column where the block begins, from 1. */
  readonly startColumn: number
  /** The block's span in the file’s text, as offsets in UTF-16 units. */
  readonly node: { readonly start: number; readonly end: number } | undefined
  /** The user’s file, or `<onnsight N>`. */
  readonly filename: string
  readonly #source: readonly string[]
  readonly #context: InfoContext | undefined
  /** The macro's record of a block that it captured. */
  #record: InfoRecord | undefined

  constructor(
    source: readonly string[],
    frame: Frame | undefined,
    startLine: number,
    node?: { readonly start: number; readonly end: number },
    filename?: string,
    details: { startColumn?: number; context?: InfoContext } = {},
  ) {
    this.frame = frame
    this.startLine = startLine
    this.startColumn = details.startColumn ?? 1
    this.node = node
    this.filename = filename ?? `<onnsight ${++unnamed}>`
    this.#source = source
    this.#context = details.context
  }

  static {
    infoFromRecord = (record, frame) => {
      const { line, column, file } = record
      const info = new Info([], frame, line, record, file, { startColumn: column })
      info.#record = record
      return info
    }
    recordOf = info => info.#record
  }

  /** The block's own lines, without their common indentation. */
  get source(): readonly string[] {
    return this.#record ? cutRecord(this.#record).source : this.#source
  }

  /** The lines around the block. */
  get context(): InfoContext | undefined {
    return this.#record ? cutRecord(this.#record).context : this.#context
  }

  /** Returns another Info of the same block. */
  copy(): Info {
    const copy = new Info(this.#source, this.frame, this.startLine, this.node, this.filename, {
      startColumn: this.startColumn,
      ...(this.#context ? { context: this.#context } : {}),
    })
    copy.#record = this.#record
    return copy
  }

  /** Returns a position in the block; by default, its beginning. */
  position(line = this.startLine, column = this.startColumn): SourcePosition {
    const { context } = this
    return { file: this.filename, line, column, ...(context ? { source: context } : {}) }
  }

  /** Returns the Info as JSON to be sent. The frame and the node are not sent. */
  toJSON(): InfoJSON {
    return { source: [...this.source], startLine: this.startLine, filename: this.filename }
  }

  /** Restores an Info that was sent. It has no frame. */
  static fromJSON({ source, startLine, filename }: InfoJSON): Info {
    return new Info([...source], undefined, startLine, undefined, filename)
  }
}

/** Whether the block's lines are noted as they run. For a block without a text, the stack tells the line. */
export function hasText(info: Info): boolean {
  return recordOf(info) !== undefined || info.source.length > 0
}

/** Returns the outer variables that other functions use too, so that the block assigns them directly. */
export function liveVariables(info: Info): { readonly names: readonly string[]; readonly values: readonly unknown[] } {
  const names = recordOf(info)?.live ?? []
  return { names, values: names.map(name => info.frame?.get(name)) }
}

/** Returns the values of the outer variables of which the block has its own copies while it runs. */
export function pullVariables(info: Info): Record<string, unknown> {
  const { frame } = info
  const live = recordOf(info)?.live ?? []
  const names = (frame?.names ?? []).filter(name => !live.includes(name))
  return Object.fromEntries(names.map(name => [name, frame?.get(name)]))
}

/** Assigns the final values of the block's copies to the outer variables. */
export function pushVariables(info: Info, state: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(state)) info.frame?.set(name, value)
}

/** An Info as it is sent. */
export interface InfoJSON {
  readonly source: readonly string[]
  readonly startLine: number
  readonly filename: string
}
