export interface BundlerOptions {
  /**
   * Folders whose files may use the macro; what lies elsewhere, or under node_modules, is left as it is.
   * @default the current folder, and the one that the tool builds
   */
  readonly root?: string | readonly string[]
}
