import type { CompletedCommand, CompletedOption, CompletionTree, ValueKind } from './tree.ts'

/** A completion script for bash 3.2 and later. It does not need the package bash-completion. */
export function bashScript({ name, options, commands }: CompletionTree): string {
  const names = commands.map(command => command.name)
  const named = commands.flatMap(command =>
    command.options.filter(({ value }) => value === 'named-file').map(({ long }) => `"${command.name} ${long}"`),
  )
  return `# Completion of ${name}: source <(${name} completion bash)
_${name}_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$1"))
}

_${name}_models() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -X '!*.onnx' -- "$1"; compgen -d -- "$1"))
}

_${name}_folders() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -d -- "$1"))
}

_${name}_words() {
  local IFS=$' \\t\\n'
  COMPREPLY=($(compgen -W "$2" -- "$1"))
}

_${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="" option="" at i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${names.join('|')}) command="\${COMP_WORDS[i]}"; break ;;
    esac
  done
  # bash splits a=b into three words.
  at=$COMP_CWORD
  [[ $previous == "=" ]] && at=$((COMP_CWORD - 1))
  if [[ \${COMP_WORDS[at]} == "=" ]]; then
    [[ $current == "=" ]] && current=""
    if [[ \${COMP_WORDS[at-1]} == --* ]]; then previous="\${COMP_WORDS[at-1]}"
    else
      ((at > 2)) && option="\${COMP_WORDS[at-2]}"
      case "$command $option" in ${named.join('|')}) _${name}_files "$current" ;; esac
      return
    fi
  fi
  case "$command $previous" in
${commands
  .flatMap(command => valueCases(name, command))
  .map(line => `    ${line}\n`)
  .join('')}  esac
  case "$command" in
    "")
      if [[ $current == -* ]]; then ${words(name, options)}
      else _${name}_words "$current" "${names.join(' ')}"; fi ;;
${commands.map(command => `    ${commandCase(name, command)}\n`).join('')}  esac
}

complete -F _${name} ${name}
`
}

function valueCases(program: string, { name, options }: CompletedCommand): string[] {
  return options.flatMap(({ long, short, value }) => {
    if (value === undefined) return []
    const patterns = [long, ...(short ? [short] : [])].map(flag => `"${name} ${flag}"`)
    return [`${patterns.join('|')}) ${values(program, value)}; return ;;`]
  })
}

function commandCase(program: string, { name, options, argument = 'text' }: CompletedCommand): string {
  return `${name}) if [[ $current == -* ]]; then ${words(program, options)}; else ${values(program, argument)}; fi ;;`
}

const words = (program: string, options: readonly CompletedOption[]): string =>
  `_${program}_words "$current" "${options.map(({ long }) => long).join(' ')}"`

function values(program: string, kind: ValueKind): string {
  if (typeof kind === 'object') return `_${program}_words "$current" "${kind.join(' ')}"`
  if (kind === 'named-file' || kind === 'text') return ':'
  return `_${program}_${kind}s "$current"`
}
