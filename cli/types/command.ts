import { basename } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { print, printJson } from '../shared/print.ts'
import { typeName } from './name.ts'

interface Flags {
  readonly out?: string
  readonly name?: string
  readonly json?: boolean
}

export function addTypes(program: Command): void {
  program
    .command('types')
    .description('write TypeScript types (.d.ts) of a model’s modules, so that editors complete and check their paths')
    .argument('<model>', 'a .onnx file')
    .option('--out <file>', 'the .d.ts file to write (default: MODEL.d.ts next to the model)')
    .option('--name <type>', 'the name of the type (default: from the file’s name)', identifier)
    .option('--json', 'report what was written as JSON')
    .addHelpText(
      'after',
      `
Example:
  onnsight types model.onnx
Then, in a TypeScript file in the same folder:
  import type { Model, ModelInputs } from './model.js'
  const model = await load<Model>('model.onnx')`,
    )
    .action(async (path: string, flags: Flags) => {
      const type = flags.name ?? typeName(path)
      const file = flags.out ?? path.replace(/(\.onnx)?$/, '.d.ts')
      const { load } = await import('../../runtime/index.ts')
      const { generateTypes } = await import('./generate.ts')
      const { writeWhole } = await import('../shared/write-whole.ts')
      const model = await load(path)
      await writeWhole(file, [Buffer.from(generateTypes(model, type, basename(path)))])
      await model.release()
      if (flags.json) printJson({ version: 1, file, type, model: path })
      else print(`${file}: import type { ${type}, ${type}Inputs } from './${basename(file, '.d.ts')}.js'`)
    })
}

function identifier(text: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(text))
    throw new InvalidArgumentError('Pass a valid name of a TypeScript type, such as MyModel.')
  return text
}
