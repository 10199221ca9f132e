import type { CompletedCommand, CompletedOption, CompletionTree, ValueKind } from './tree.ts'

/** A completion script for zsh, to be sourced after compinit, or to be written as `_onnsight` to a folder of $fpath. */
export function zshScript({ name, options, commands }: CompletionTree): string {
  return `#compdef ${name}
# Completion of ${name}: source <(${name} completion zsh)
_${name}() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  local -a commands
  commands=(
${commands.map(command => `    ${quoted(`${escaped(command.name)}:${command.description}`)}`).join('\n')}
  )
  _arguments -C \\
${options.map(option => `    ${optionSpec(option)} \\`).join('\n')}
    '1: :->command' \\
    '*:: :->rest'
  case $state in
    command) _describe -t commands command commands ;;
    rest)
      case $line[1] in
${commands.map(command => `        ${commandCase(command)}`).join('\n')}
      esac ;;
  esac
}

if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`
}

function commandCase({ name, options, argument }: CompletedCommand): string {
  const specs = [...options.map(optionSpec), ...(argument ? [quoted(`1:${name}:${action(argument)}`)] : [])]
  return `${name}) _arguments ${specs.join(' ')} ;;`
}

/** The specification of an option for _arguments. A star marks an option that may be repeated. */
function optionSpec({ long, short, description, value }: CompletedOption): string {
  const help = `[${escaped(description)}]`
  const argument = value === undefined ? '' : `:value:${action(value)}`
  const repeated = value === 'named-file' || long === '--dim' ? '*' : ''
  if (short) return `{${short},${long}}${quoted(`${help}${argument}`)}`
  return quoted(`${repeated}${long}${help}${argument}`)
}

function action(kind: ValueKind): string {
  if (typeof kind === 'object') return `(${kind.join(' ')})`
  switch (kind) {
    case 'model':
      return '_files -g "*.onnx(-.)"'
    case 'folder':
      return '_files -/'
    case 'file':
      return '_files'
    case 'named-file':
      return '{compset -P "*="; _files}'
    case 'text':
      return ' '
  }
}

const escaped = (text: string): string => text.replace(/[\\[\]:]/g, '\\$&')

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
