import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Argument, type Command } from 'commander'
import { CommandError } from '../shared/errors.ts'
import { print, printJson } from '../shared/print.ts'
import { exampleModels } from './models.ts'

interface Flags {
  readonly to: string
  readonly json?: boolean
}

type Name = keyof typeof exampleModels

const names = Object.keys(exampleModels) as Name[]

export function addExampleModel(program: Command): void {
  program
    .command('example-model')
    .description('write a small model to try onnsight on')
    .addArgument(new Argument('[name]', 'which model').choices(names).default('chars'))
    .option('--to <folder>', 'where to write it', '.')
    .option('--json', 'report what was written as JSON')
    .addHelpText(
      'after',
      `
Models:
${names.map(name => `  ${name.padEnd(10)} ${exampleModels[name].about}: ${exampleModels[name].files.join(', ')}`).join('\n')}

Examples:
  onnsight example-model
  onnsight example-model induction --to models`,
    )
    .action(async (name: Name, { to, json }: Flags) => {
      const { writeWhole } = await import('../shared/write-whole.ts')
      await mkdir(to, { recursive: true })
      const written: string[] = []
      for (const file of exampleModels[name].files) {
        const path = join(to, file)
        const bytes = await readFile(new URL(`../../../examples/models/${file}`, import.meta.url))
        if (!bytes.equals(await readFile(path).catch(() => new Uint8Array()))) {
          if (await exists(path))
            throw new CommandError(
              `${path} exists already and has other contents.`,
              'choose another folder: --to models',
            )
          await writeWhole(path, [bytes])
        }
        written.push(path)
      }
      if (json) printJson({ version: 1, model: name, files: written })
      else print(`${written.join(', ')}: ${exampleModels[name].about}`)
    })
}

async function exists(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  )
}
