import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { CommandError } from './errors.ts'

export interface TemplateFlags {
  readonly template?: string
  readonly templateFile?: string
}

/** Adds the options `--template` and `--template-file`. */
export function addTemplateOptions(command: Command, what: string): Command {
  return command
    .option('--template <text>', `${what}, in the template language`)
    .addOption(new Option('--template-file <file>', 'the file with the template').conflicts('template'))
}

/** The template's text, and its name for messages; undefined if the command line has none. */
export async function templateText({
  template,
  templateFile,
}: TemplateFlags): Promise<{ text: string; name: string } | undefined> {
  if (template !== undefined) return { text: template, name: '<template>' }
  if (templateFile === undefined) return undefined
  try {
    return { text: await readFile(templateFile, 'utf8'), name: templateFile }
  } catch (error) {
    throw new CommandError(
      `The template ${templateFile} can't be read: ${(error as Error).message}.`,
      'check the path',
      error,
    )
  }
}
