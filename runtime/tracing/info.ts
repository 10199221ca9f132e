import { type BlockText, decodeBlockText } from '../../language/block-text.ts'
import type { SourcePosition } from '../errors/error.ts'
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
  /** Outer variables that other functions use too. */
  readonly live: readonly string[]
  readonly #source: readonly string[]
  readonly #context: InfoContext | undefined
  /** Of a block that the macro captured. */
  readonly #record: InfoRecord | undefined

  constructor(
    source: readonly string[],
    frame: Frame | undefined,
    startLine: number,
    node?: { readonly start: number; readonly end: number },
    filename?: string,
    details: { startColumn?: number; context?: InfoContext; live?: readonly string[]; record?: InfoRecord } = {},
  ) {
    this.frame = frame
    this.startLine = startLine
    this.startColumn = details.startColumn ?? 1
    this.node = node
    this.filename = filename ?? `<onnsight ${++unnamed}>`
    this.live = details.live ?? []
    this.#source = source
    this.#context = details.context
    this.#record = details.record
  }

  /** What the macro knew of the block, with the variables that it has now. */
  static fromRecord(record: InfoRecord, frame: Frame): Info {
    const { line, column, file, live } = record
    return new Info([], frame, line, record, file, { startColumn: column, record, ...(live ? { live } : {}) })
  }

  /** The block's own lines, de-indented. */
  get source(): readonly string[] {
    return this.#record ? cutRecord(this.#record).source : this.#source
  }

  /** The lines around the block. */
  get context(): InfoContext | undefined {
    return this.#record ? cutRecord(this.#record).context : this.#context
  }

  /** Whether its lines are noted as they run: a block without text has them from the stack. */
  get hasText(): boolean {
    return this.#record !== undefined || this.#source.length > 0
  }

  /** The values of the outer variables that are the block's own while it runs. */
  pull(): Record<string, unknown> {
    const { frame, live } = this
    const names = (frame?.names ?? []).filter(name => !live.includes(name))
    return Object.fromEntries(names.map(name => [name, frame?.get(name)]))
  }

  /** Gives them what they ended as. */
  push(state: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(state)) this.frame?.set(name, value)
  }

  /** Another Info of the same block. */
  copy(): Info {
    return new Info(this.#source, this.frame, this.startLine, this.node, this.filename, {
      startColumn: this.startColumn,
      live: this.live,
      ...(this.#context ? { context: this.#context } : {}),
      ...(this.#record ? { record: this.#record } : {}),
    })
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

/** An Info to be sent. */
export interface InfoJSON {
  readonly source: readonly string[]
  readonly startLine: number
  readonly filename: string
}
