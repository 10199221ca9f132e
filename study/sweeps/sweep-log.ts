/** Where the steps of a long sweep are kept: the path of a file, which Node reads and writes, or a log of your own. */
export type SweepSource = string | SweepLog

/** A text that grows line by line, such as an item of a browser's storage. */
export interface SweepLog {
  /** Reads all that was appended so far; undefined if there is nothing yet. */
  read(): Promise<string | undefined>
  append(text: string): Promise<void>
}

/** The log of a source: the given one, or one that writes to the given file. */
export const logOf = (source: SweepSource): SweepLog => (typeof source === 'string' ? fileLog(source) : source)

/** Node's file functions are imported when a path is given, because browsers have none. */
const fileLog = (path: string): SweepLog => ({
  async read() {
    const { readFile } = await import('node:fs/promises')
    return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
  },
  async append(text) {
    const { appendFile } = await import('node:fs/promises')
    await appendFile(path, text)
  },
})

/** Writes a value as a line of a log. JSON has no NaN and no infinities, so they are written as objects. */
export const lineOf = (value: unknown): string =>
  `${JSON.stringify(value, (_, one: unknown) => (typeof one === 'number' && !Number.isFinite(one) ? { number: String(one) } : one))}\n`

/** The complete lines of a log. The last line is not complete if the program ended while it was written. */
export function linesOf(text: string): unknown[] {
  return text.split('\n').flatMap(line => {
    try {
      return [JSON.parse(line, revived) as unknown]
    } catch {
      return []
    }
  })
}

function revived(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const { number, ...others } = value as { readonly number?: unknown }
  return typeof number === 'string' && Object.keys(others).length === 0 ? Number(number) : value
}
