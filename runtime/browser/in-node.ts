/** Every browser's window and worker has `self`, and so do Deno and Bun; Node has none. */
export const isInNode = (): boolean =>
  (globalThis as { self?: unknown }).self === undefined &&
  (globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node !== undefined
