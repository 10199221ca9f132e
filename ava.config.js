import { long, slower } from './ava.long.config.js'
import { compileTests } from './test/loading/compile.js'

await compileTests()

/** The files that take longest start first, so that none runs alone at the end. */
const first = [
  'errors/catalogue',
  'cases/cases',
  'engine/laws',
  'heads/laws',
  'view/edited',
  'view/opening',
  'queue/queue',
  'browser/in-node',
  'compare/faults',
]
const rank = file => {
  const at = first.findIndex(name => file.endsWith(`test/${name}.test.ts`))
  return at < 0 ? first.length : at
}

/** What `npm test` runs: every room, in some minutes. The rest is in `npm run test:long`. */
export default {
  files: ['test/**/*.test.ts', '!test/consumers/*/**', ...[...long, ...slower].map(pattern => `!${pattern}`)],
  extensions: { ts: 'module' },
  nodeArguments: ['--enable-source-maps', '--import=./test/loading/register.js'],
  sortTestFiles: (a, b) => rank(a.replaceAll('\\', '/')) - rank(b.replaceAll('\\', '/')) || a.localeCompare(b),
  timeout: '5m',
}
