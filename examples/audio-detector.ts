// Runs a model that is not a language model: the voice detector of @ricky0123/vad-web, a graph without module paths.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { load, zeros } from 'onnsight'
import { bar } from './shared/text.ts'

const require = createRequire(import.meta.url)
const path = join(dirname(require.resolve('@ricky0123/vad-web/package.json')), 'dist/silero_vad_legacy.onnx')
if (!existsSync(path)) throw new Error('npm install first: the model comes with @ricky0123/vad-web')
const model = await load(path)
console.log(
  model.signature.inputs
    .map(input => `${input.name}: ${input.type} [${input.dims?.map(dim => dim ?? '?').join(', ')}]`)
    .join('\n'),
)

const state = () => zeros([2, 1, 64])
for (const [name, frequency] of [
  ['silence', 0],
  ['a hum of 220 Hz', 220],
] as const) {
  const audio = Array.from({ length: 512 }, (_, i) => 0.3 * Math.sin((2 * Math.PI * frequency * i) / 16000))
  const { output } = await model.run({ input: [audio], sr: 16000n, h: state(), c: state() })
  const share = Number(output.item())
  console.log(`${name.padEnd(16)} voice ${bar(share)} ${share.toFixed(3)}`)
}
await model.release()
