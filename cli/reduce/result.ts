import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { join } from 'node:path'
import type { Settings } from '../compare/settings.ts'
import { CommandError } from '../shared/errors.ts'

/** @throws CommandError if the folder has files already */
export async function assertFree(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new CommandError(`${folder} can't be used: ${error.message}.`, 'pass the name of a new folder', error)
  })
  if (found.length > 0)
    throw new CommandError(
      `${folder} has files already.`,
      'pass the name of a new folder, so that nothing is overwritten',
    )
}

/** Writes what belongs to a report of a fault: the model, its inputs, a script that needs onnxruntime alone, and versions. */
export async function writeResult(
  folder: string,
  files: { readonly model: string; readonly inputs: string },
  how: { readonly command?: string; readonly a?: Settings; readonly b?: Settings },
): Promise<void> {
  await mkdir(folder, { recursive: true })
  await cp(files.model, join(folder, 'model.onnx'))
  // A part with more than 2 GiB of weights has them in a file of their own.
  if (existsSync(`${files.model}.data`)) await cp(`${files.model}.data`, join(folder, 'model.onnx.data'))
  await cp(files.inputs, join(folder, 'inputs.json'))
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }
  await writeFile(join(folder, 'run.cjs'), script(how, version))
  const versions = { 'onnxruntime-node': version, node: process.version, platform: `${platform()} ${arch()}`, ...how }
  await writeFile(join(folder, 'versions.json'), `${JSON.stringify(versions, null, 2)}\n`)
}

function script({ command, a, b }: Parameters<typeof writeResult>[2], version: string): string {
  const runs = command === undefined ? [optionsOf(a ?? {}), optionsOf(b ?? {})] : ['{}']
  return `// ${command === undefined ? 'The outputs of the two settings differ.' : `The command that fails: ${command.replaceAll('\n', ' ')}`}
// npm install onnxruntime-node@${version} && node run.cjs
const { readFileSync } = require('node:fs')
const arrays = { float16: Uint16Array, float32: Float32Array, float64: Float64Array, int64: BigInt64Array, uint64: BigUint64Array, int32: Int32Array, uint32: Uint32Array, int16: Int16Array, uint16: Uint16Array, int8: Int8Array, uint8: Uint8Array, bool: Uint8Array }
const given = Object.entries(JSON.parse(readFileSync(__dirname + '/inputs.json', 'utf8')))
async function run(package, options) {
  const ort = require(package)
  const feed = ({ type, dims, base64, texts }) => new ort.Tensor(type, texts ?? new arrays[type](Uint8Array.from(Buffer.from(base64, 'base64')).buffer), dims)
  const session = await ort.InferenceSession.create(__dirname + '/model.onnx', options)
  console.log(options, await session.run(Object.fromEntries(given.map(([name, value]) => [name, feed(value)]))))
}
${runs
  .map((options, i) => `run(${JSON.stringify([a, b][i]?.runtime ?? 'onnxruntime-node')}, ${options})`)
  .join('.then(() => ')}${')'.repeat(runs.length - 1)}
`
}

const optionsOf = ({ provider, threads, optimization }: Settings): string =>
  JSON.stringify({
    ...(provider === undefined ? {} : { executionProviders: [provider] }),
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...(optimization === undefined ? {} : { graphOptimizationLevel: optimization }),
  })
