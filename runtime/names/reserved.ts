/** Names of every module's own properties: a child with such a name is reached by child('…'). */
export const reservedNames: ReadonlySet<string> = new Set([
  'path',
  'output',
  'outputs',
  'input',
  'inputs',
  'ops',
  'weights',
  'child',
  'modules',
  'length',
  'at',
  'slice',
  'toString',
  // `await` takes any object with a `then` for a promise.
  'then',
])
