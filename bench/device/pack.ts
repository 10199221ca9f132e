import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The only CUDA provider that npm has; an onnxruntime-node of another version does not load it. */
const PROVIDER = 'com.github.asus4.onnxruntime.linux-x64-gpu@0.4.9'
const RUNTIME = '1.29.0'
const PART_BYTES = '58M'

const root = join(import.meta.dirname, '..', '..')
const parts = join(import.meta.dirname, 'parts')
const work = mkdtempSync(join(tmpdir(), 'onnsight-device-'))
const app = join(work, 'onnsight-device')
const run = (command: string, args: readonly string[], cwd = work): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 })

mkdirSync(app)
console.log('Packing onnsight and installing it with onnxruntime-node', RUNTIME)
const [tarball] = run('npm', ['pack', '--silent', '--pack-destination', work], root).trim().split('\n').slice(-1)
writeFileSync(
  join(app, 'package.json'),
  JSON.stringify({ type: 'module', private: true, imports: { '#dist/*': './dist/*' } }),
)
const packages = [
  join(work, tarball),
  `onnxruntime-node@${RUNTIME}`,
  `onnxruntime-common@${RUNTIME}`,
  '@babel/core@7',
  '@babel/preset-typescript@7',
]
// --force is needed because this script tries a provider with another version than its peer dependency allows.
run('npm', ['install', '--ignore-scripts', '--force', '--no-audit', '--no-fund', ...packages], app)

// A target in node_modules is not allowed in `imports`.
symlinkSync('node_modules/onnsight/dist', join(app, 'dist'))

console.log('Fetching the CUDA provider', PROVIDER)
const [provider] = run('npm', ['pack', '--silent', PROVIDER]).trim().split('\n').slice(-1)
run('tar', ['xzf', provider])
const binaries = join(app, 'node_modules/onnxruntime-node/bin/napi-v6')
for (const platform of readdirSync(binaries))
  if (platform !== 'linux') rmSync(join(binaries, platform), { recursive: true })
rmSync(join(binaries, 'linux/arm64'), { recursive: true, force: true })
for (const library of ['cuda', 'shared']) {
  const file = `libonnxruntime_providers_${library}.so`
  copyFileSync(join(work, 'package/Plugins/Linux/x64', file), join(binaries, 'linux/x64', file))
}

copyFileSync(process.execPath, join(app, 'node'))
chmodSync(join(app, 'node'), 0o755)
for (const path of ['test/cases', 'test/fixtures', 'examples/models', 'bench']) {
  cpSync(join(root, path), join(app, path), {
    recursive: true,
    filter: from => !/\.onnx\.tmp$|bench[/\\](models[/\\].*\.onnx|device[/\\]parts)/.test(from),
  })
}

console.log('Compressing')
rmSync(parts, { recursive: true, force: true })
mkdirSync(parts, { recursive: true })
run('bash', [
  '-c',
  `set -o pipefail; tar c -C '${work}' onnsight-device | xz -6 -T0 | split -b ${PART_BYTES} - '${join(parts, 'part-')}'`,
])
rmSync(work, { recursive: true })
const names = readdirSync(parts).sort()
const sums = names.map(
  name =>
    `${createHash('sha256')
      .update(readFileSync(join(parts, name)))
      .digest('hex')}  ${name}`,
)
writeFileSync(join(parts, 'SHA256SUMS'), `${sums.join('\n')}\n`)
console.log(`${names.length} parts in ${parts}`)
