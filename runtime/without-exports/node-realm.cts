import vm = require('node:vm')

/*
 * Tools that know no `exports` of a package, and no modules under node_modules, take the files here: Jest 27, as in Create React App. Each
 * gives what Node itself loads, outside the realm that Jest makes for a test file and the globals that jsdom sets in it.
 */

const node = vm.runInThisContext('globalThis') as typeof globalThis & Record<string, unknown>

// onnxruntime-node takes no arrays but Node's own: see runtime/jest.ts.
if (node !== globalThis)
  for (const name of Object.getOwnPropertyNames(node))
    if (/^(Float|Big(Int|Uint)|U?[Ii]nt)\d.*Array$/.test(name))
      (globalThis as Record<string, unknown>)[name] = node[name]

/** What `import` of this path gives in Node. */
function fromNode(path: string): unknown {
  return node.process.getBuiltinModule('node:module').createRequire(__filename)(path)
}

export = fromNode
