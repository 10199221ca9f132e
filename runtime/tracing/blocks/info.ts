import { type BlockText, decodeBlockText } from '../../../language/block-text.ts'
import type { SourcePosition } from '../../errors/error.ts'
import type { Frame } from './frame.ts'
import { cutOut } from './source-text.ts'

/** What the macro knows of a block at build time. */
export type InfoRecord = BlockText

/** By what the expansion holds: a block runs often. */
const decoded = new Map<string, InfoRecord>()

export function decodeInfo(encoded: string): InfoRecord {
  let record = decoded.get(encoded)
  if (!record) {
    record = decodeBlockText(encoded)
    decoded.set(encoded, record)
  }
  return record
}

/** The lines around a block: for code frames. */
export interface InfoContext {
  readonly firstLine: number
  readonly lines: readonly string[]
}

/** Cut out of a record's text when someone asks, and once. */
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

/** What the macro knew of a block, with the variables that it has now. */
export let infoFromRecord: (record: InfoRecord, frame: Frame) => Info
let recordOf: (info: Info) => InfoRecord | undefined

/** The captured block: its text, where it stands, and the frame whose variables it uses. */
export class Info {
  /** The outer variables; undefined for a block that was sent, or has no text. */
  readonly frame: Frame | undefined
  /** Where the block begins: from 1; 0 if it was sent. */
  readonly startLine: number
  /** From 1. */
  readonly startColumn: number
  /** Its span in the file’s text: offsets in UTF-16 units. */
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

  /** The block's own lines, de-indented. */
  get source(): readonly string[] {
    return this.#record ? cutRecord(this.#record).source : this.#source
  }

  /** The lines around the block. */
  get context(): InfoContext | undefined {
    return this.#record ? cutRecord(this.#record).context : this.#context
  }

  /** Another Info of the same block. */
  copy(): Info {
    const copy = new Info(this.#source, this.frame, this.startLine, this.node, this.filename, {
      startColumn: this.startColumn,
      ...(this.#context ? { context: this.#context } : {}),
    })
    copy.#record = this.#record
    return copy
  }

  /** A place in the block, or its beginning. */
  position(line = this.startLine, column = this.startColumn): SourcePosition {
    const { context } = this
    return { file: this.filename, line, column, ...(context ? { source: context } : {}) }
  }

  /** The frame and the node do not travel. */
  toJSON(): InfoJSON {
    return { source: [...this.source], startLine: this.startLine, filename: this.filename }
  }

  /** An Info as it was sent: without a frame. */
  static fromJSON({ source, startLine, filename }: InfoJSON): Info {
    return new Info([...source], undefined, startLine, undefined, filename)
  }
}

/** Whether the block's lines are noted as they run. Those of a block without a text come from the stack. */
export function hasText(info: Info): boolean {
  return recordOf(info) !== undefined || info.source.length > 0
}

/** The outer variables that other functions use too: the block assigns them in place. */
export function liveVariables(info: Info): { readonly names: readonly string[]; readonly values: readonly unknown[] } {
  const names = recordOf(info)?.live ?? []
  return { names, values: names.map(name => info.frame?.get(name)) }
}

/** The values of the outer variables that are the block's own while it runs. */
export function pullVariables(info: Info): Record<string, unknown> {
  const { frame } = info
  const live = recordOf(info)?.live ?? []
  const names = (frame?.names ?? []).filter(name => !live.includes(name))
  return Object.fromEntries(names.map(name => [name, frame?.get(name)]))
}

/** Gives the outer variables the values that the block's own ended as. */
export function pushVariables(info: Info, state: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(state)) info.frame?.set(name, value)
}

/** An Info to be sent. */
export interface InfoJSON {
  readonly source: readonly string[]
  readonly startLine: number
  readonly filename: string
}
