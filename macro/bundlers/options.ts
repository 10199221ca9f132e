export interface BundlerOptions {
  /**
   * Folders whose files may use the macro. Files elsewhere, and under node_modules, are left as they are.
   * @default the current folder, and the one that the tool builds
   */
  readonly root?: string | readonly string[]
}
