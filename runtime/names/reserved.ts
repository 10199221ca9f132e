/** Names that are properties of every module: a child called so is reached by child('…'). */
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
  // What has a then is a promise to `await`.
  'then',
])
