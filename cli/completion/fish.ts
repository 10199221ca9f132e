import type { CompletedCommand, CompletedOption, CompletionTree, ValueKind } from './tree.ts'

/** A completion script for fish, to be written to ~/.config/fish/completions. */
export function fishScript({ name, options, commands }: CompletionTree): string {
  const line = (rest: string): string => `complete -c ${name} ${rest}`
  return [
    `# Completion of ${name}: ${name} completion fish > ~/.config/fish/completions/${name}.fish`,
    line('-f'),
    ...options.map(option => line(`-n __fish_use_subcommand ${optionWords(option)}`)),
    ...commands.flatMap(command => commandLines(command).map(line)),
    '',
  ].join('\n')
}

function commandLines({ name, description, options, argument }: CompletedCommand): string[] {
  const condition = `-n '__fish_seen_subcommand_from ${name}'`
  const words = argument === undefined ? undefined : argumentWords(argument)
  return [
    `-n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
    ...options.map(option => `${condition} ${optionWords(option)}`),
    ...(words ? [`${condition} ${words}`] : []),
  ]
}

function optionWords({ long, short, description, value }: CompletedOption): string {
  const flags = [...(short ? [`-s ${short.slice(1)}`] : []), `-l ${long.slice(2)}`, `-d ${quoted(description)}`]
  return [...flags, ...(value === undefined ? [] : [valueWords(value)])].join(' ')
}

function valueWords(kind: ValueKind): string {
  if (typeof kind === 'object') return `-x -a '${kind.join(' ')}'`
  if (kind === 'folder') return "-x -a '(__fish_complete_directories)'"
  return kind === 'text' ? '-x' : '-r -F'
}

function argumentWords(kind: ValueKind): string | undefined {
  if (typeof kind === 'object') return `-a '${kind.join(' ')}'`
  if (kind === 'model') return "-k -a '(__fish_complete_suffix .onnx)'"
  return kind === 'text' ? undefined : '-F'
}

const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`
