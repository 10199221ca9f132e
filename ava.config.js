import { long } from './ava.long.config.js'
import { compileTests } from './test/loading/compile.js'

await compileTests()

/** What `npm test` runs: every room, in some minutes. The rest is in `npm run test:long`. */
export default {
  files: ['test/**/*.test.ts', '!test/consumers/*/**', ...long.map(pattern => `!${pattern}`)],
  extensions: { ts: 'module' },
  nodeArguments: ['--enable-source-maps', '--import=./test/loading/register.js'],
  timeout: '5m',
}
