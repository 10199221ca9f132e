import type { Argument, Command, Option } from 'commander'

/** The kind of values that a shell offers for an option or argument: files of some kind, or one of a list of words. */
export type ValueKind = 'model' | 'file' | 'folder' | 'named-file' | 'text' | readonly string[]

export interface CompletedOption {
  /** The short form: `-h`. */
  readonly short?: string
  /** The long form: `--help`. */
  readonly long: string
  readonly description: string
  /** The kind of the option's value; undefined if it takes none. */
  readonly value?: ValueKind
}

export interface CompletedCommand {
  readonly name: string
  readonly description: string
  readonly options: readonly CompletedOption[]
  readonly argument?: ValueKind
}

/** The commands, options and arguments that shells complete, as commander knows them. */
export interface CompletionTree {
  readonly name: string
  readonly options: readonly CompletedOption[]
  readonly commands: readonly CompletedCommand[]
}

export function completionTree(program: Command): CompletionTree {
  const commands = program.createHelp().visibleCommands(program)
  const names = commands.map(command => command.name())
  return {
    name: program.name(),
    options: optionsOf(program),
    commands: commands.map((command): CompletedCommand => {
      const [argument] = command.registeredArguments
      return {
        name: command.name(),
        description: command.description(),
        options: optionsOf(command),
        ...(argument ? { argument: command.name() === 'help' ? names : kindOfArgument(argument) } : {}),
      }
    }),
  }
}

function optionsOf(command: Command): CompletedOption[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((option): CompletedOption => {
      const value = kindOfOption(option)
      return {
        ...(option.short ? { short: option.short } : {}),
        long: option.long ?? option.flags,
        description: option.description,
        ...(value ? { value } : {}),
      }
    })
}

/** The kind of an option's value, from the word in its brackets: `--output <file>`. */
function kindOfOption({ flags, argChoices }: Option): ValueKind | undefined {
  const [, word] = /[<[]([^>\]]+)[>\]]/.exec(flags) ?? []
  return word === undefined ? undefined : (argChoices ?? kindOfWord(word))
}

const kindOfArgument = (argument: Argument): ValueKind => argument.argChoices ?? kindOfWord(argument.name())

function kindOfWord(word: string): ValueKind {
  if (word === 'model' || word === 'file' || word === 'folder') return word
  return word === 'name=value' ? 'named-file' : 'text'
}
