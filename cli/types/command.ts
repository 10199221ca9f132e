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
    .description('write a .d.ts with the modules of a model: completion and type errors for paths')
    .argument('<model>', 'a .onnx file')
    .option('--out <file>', 'where to write it; without it beside the model, MODEL.d.ts')
    .option('--name <type>', 'name of the type; without it the file’s', identifier)
    .option('--json', 'tell what was written as JSON')
    .addHelpText(
      'after',
      `
Example:
  onnsight types model.onnx
Then, in a TypeScript file beside it:
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
  if (!/^[A-Za-z_$][\w$]*$/.test(text)) throw new InvalidArgumentError('Give a name as TypeScript has them: MyModel.')
  return text
}
