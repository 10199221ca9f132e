/** Where the files of a harvest or a sweep lie: a folder, or a prefix in an object store. */
export interface Store {
  /** Its name in messages, as the user wrote it. */
  readonly name: string
  /** The names of all files. */
  list(): Promise<readonly string[]>
  /** Writes a file whole or not at all, and returns when it is safe from the end of the process. */
  put(name: string, parts: readonly Uint8Array[]): Promise<void>
  /** The bytes of a file; undefined if there is none. */
  get(name: string): Promise<Uint8Array | undefined>
  /** The first bytes of a file, at most `length`; undefined if there is no such file. */
  start(name: string, length: number): Promise<Uint8Array | undefined>
  /** The bytes that are free; undefined for a place without a limit. */
  free(): Promise<number | undefined>
}
