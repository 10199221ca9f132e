import path = require('node:path')

/*
 * `preset: 'onnsight'` in a Jest configuration. Tests that Babel or TypeScript compiles to CommonJS can't load a package of ES modules in Jest.
 * The files here return what Node itself loads.
 */

const names = { onnsight: 'index', 'onnsight/internal': 'internal', 'onnsight/testing': 'testing' }

export = {
  moduleNameMapper: Object.fromEntries(
    Object.entries(names).map(([name, file]) => [`^${name}$`, path.join(__dirname, `${file}.cjs`)]),
  ),
}
