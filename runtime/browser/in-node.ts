/** Whether this is Node: it has no `self`, unlike the windows and workers of browsers, Deno and Bun. */
export const isInNode = (): boolean =>
  (globalThis as { self?: unknown }).self === undefined &&
  (globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node !== undefined
