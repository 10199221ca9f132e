import vm = require('node:vm')

/*
 * Tools that support neither a package's `exports` nor ES modules under node_modules load the files here, such as Jest 27 in Create React App.
 * Each file returns what Node itself loads, outside of the realm that Jest makes for a test file, and of the globals that jsdom sets in it.
 */

const node = vm.runInThisContext('globalThis') as typeof globalThis & Record<string, unknown>

// onnxruntime-node only accepts arrays of Node's own classes: see runtime/jest.ts.
if (node !== globalThis)
  for (const name of Object.getOwnPropertyNames(node))
    if (/^(Float|Big(Int|Uint)|U?[Ii]nt)\d.*Array$/.test(name))
      (globalThis as Record<string, unknown>)[name] = node[name]

/** Returns what `import` of this path returns in Node. */
function fromNode(path: string): unknown {
  return node.process.getBuiltinModule('node:module').createRequire(__filename)(path)
}

export = fromNode
