export default {
  files: ['ava/*.test.ts'],
  extensions: { ts: 'module' },
  nodeArguments: ['--import=onnsight/register'],
}
