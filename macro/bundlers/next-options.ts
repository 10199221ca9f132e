import { createRequire } from 'node:module'

const { version } = createRequire(import.meta.url)('onnsight/package.json') as { version: string }

/**
 * The loader reads no options. These change the keys of Next's caches, because another version of onnsight may expand a file differently.
 */
export const options: { readonly version: string } = { version }
