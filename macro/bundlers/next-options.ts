import { createRequire } from 'node:module'

const { version } = createRequire(import.meta.url)('onnsight/package.json') as { version: string }

/** The loader asks for none: they are for Next's caches, since another onnsight may expand a file otherwise. */
export const options: { readonly version: string } = { version }
