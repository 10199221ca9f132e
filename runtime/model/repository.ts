import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { LoadOptionError } from '../errors/input.ts'
import { inferenceService, tritonConfig } from '../export/repository.ts'
import { type SaveOptions, writeModel } from '../onnx/writing/write.ts'

/** Writes a model as a repository of Triton's, `FOLDER/NAME/VERSION/model.onnx`. The configuration comes last, so that a server never sees a part. */
export async function writeRepository(
  file: Parameters<typeof writeModel>[0],
  folder: string,
  options: SaveOptions,
): Promise<void> {
  const { layout, name = basename(file.path).replace(/\.onnx$/, ''), version = 1 } = options
  if (layout !== 'triton' && layout !== 'kserve')
    throw new LoadOptionError(`There is no layout ${JSON.stringify(layout)}.`, "give 'file', 'triton' or 'kserve'")
  if (!Number.isSafeInteger(version) || version < 1 || !/^[\w.-]+$/.test(name) || /^\.+$/.test(name))
    throw new LoadOptionError(
      `The version is ${JSON.stringify(version)}, and the name ${JSON.stringify(name)}.`,
      'give a whole number from 1, and a name of letters, digits, . - and _',
    )
  const config = tritonConfig(file.message, name, options)
  const own = join(folder, name)
  await mkdir(join(own, String(version)), { recursive: true })
  await writeModel(file, join(own, String(version), 'model.onnx'), options)
  await writeFile(join(own, 'config.pbtxt'), config)
  if (layout === 'kserve') await writeFile(join(folder, 'inference-service.yaml'), inferenceService(name))
}
