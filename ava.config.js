export default {
  files: ['test/**/*.test.ts'],
  extensions: { ts: 'module' },
  nodeArguments: ['--enable-source-maps', '--import=onnsight/register'],
  timeout: '5m',
}
