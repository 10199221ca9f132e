export default {
  files: ['test/**/*.test.ts', '!test/consumers/*/**'],
  extensions: { ts: 'module' },
  nodeArguments: ['--enable-source-maps', '--import=onnsight/register'],
  timeout: '5m',
}
