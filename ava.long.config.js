/** Tests that take long: other people's projects from the tarball, apps, package managers, the site, gigabytes, soaks, long browser runs. */
export const long = [
  'test/apps/**/*.test.ts',
  'test/consumers/*.test.ts',
  'test/package/**/*.test.ts',
  'test/site/**/*.test.ts',
  'test/**/*large.test.ts',
  'test/**/*soak.test.ts',
  'test/engine/{long,threads,throws}.test.ts',
  'test/web/{cases,webgpu}.test.ts',
]

export default {
  files: [...long, '!test/consumers/*/**'],
  extensions: { ts: 'module' },
  nodeArguments: ['--enable-source-maps', '--import=onnsight/register'],
  timeout: '5m',
}
