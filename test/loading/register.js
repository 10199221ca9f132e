import { register } from 'node:module'

// As onnsight/register, from what compile.js keeps.
register('./loader.js', import.meta.url)
process.setSourceMapsEnabled(true)
