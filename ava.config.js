import { long, slower, starting } from './ava.long.config.js'
import { compileTests } from './test/loading/compile.js'

await compileTests()

/** What `npm test` runs: every room, in some minutes. The rest is in `npm run test:long`. */
export default {
  files: ['test/**/*.test.ts', '!test/consumers/*/**', ...[...long, ...slower].map(pattern => `!${pattern}`)],
  extensions: { ts: 'module' },
  nodeArguments: ['--enable-source-maps', '--import=./test/loading/register.js'],
  sortTestFiles: starting(['cases/cases', 'view/opening', 'queue/queue', 'compare/faults']),
  timeout: '5m',
}
