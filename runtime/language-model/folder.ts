/** The files of a language model, wherever they lie. Paths are relative to the folder, with `/` between their parts. */
export interface ModelFolder {
  /** The folder's path, address or hub id, for messages. */
  readonly name: string
  /** All files; undefined if the folder can't be listed. */
  list(): Promise<readonly string[] | undefined>
  /** The text of a file; undefined if there is no such file. */
  text(path: string): Promise<string | undefined>
}
