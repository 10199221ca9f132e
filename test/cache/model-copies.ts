import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import type { ExecutionContext } from 'ava'
import { ModelProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'

export const fixtures = 'test/fixtures/models'
export const chars = join(fixtures, 'chars.onnx')

/** A temporary folder, which is removed after the test. */
export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'onnsight-cache-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export async function copyOf(path: string, folder: string): Promise<string> {
  const copy = join(folder, 'model.onnx')
  await copyFile(path, copy)
  return copy
}

export const namesIn = async (folder: string): Promise<string[]> => (await readdir(folder)).sort()

/** Writes the model with external data, in which each weight is three bytes further on than in the repository. */
export async function writeUnaligned(folder: string): Promise<string> {
  const model = fromBinary(ModelProtoSchema, await readFile(join(fixtures, 'chars-external.onnx')))
  for (const { externalData } of model.graph!.initializer) {
    const location = externalData.find(({ key }) => key === 'location')
    const offset = externalData.find(({ key }) => key === 'offset')
    if (location) location.value = 'unaligned.data'
    if (offset) offset.value = String(Number(offset.value) + 3)
  }
  const data = await readFile(join(fixtures, 'chars-external.onnx.data'))
  await writeFile(join(folder, 'unaligned.data'), Buffer.concat([Buffer.from('off'), data]))
  await writeFile(join(folder, 'unaligned.onnx'), toBinary(ModelProtoSchema, model))
  return join(folder, 'unaligned.onnx')
}
