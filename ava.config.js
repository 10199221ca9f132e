import { long } from './ava.long.config.js'

/** What `npm test` runs: every room, in some minutes. The rest is in `npm run test:long`. */
export default {
  files: ['test/**/*.test.ts', '!test/consumers/*/**', ...long.map(pattern => `!${pattern}`)],
  extensions: { ts: 'module' },
  nodeArguments: ['--enable-source-maps', '--import=onnsight/register'],
  timeout: '5m',
}
