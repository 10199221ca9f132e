import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { makeProgram } from '#dist/cli/program.js'
import { onnsight } from './spawn.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-completion-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const scripts: Record<string, string> = {}
test.before(async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout, stderr } = await onnsight(['completion', shell])
    if (code !== 0 || stderr !== '') throw new Error(stderr)
    scripts[shell] = join(folder, `script.${shell}`)
    writeFileSync(scripts[shell], stdout)
  }
  for (const name of ['some model.onnx', 'other.onnx', 'ids.npy', 'text.txt']) writeFileSync(join(folder, name), '')
  mkdirSync(join(folder, 'sub'))
})

const has = (shell: string): boolean => {
  try {
    execFileSync(shell, ['-c', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Returns the words that bash offers for the last word of a line. */
function bash(...words: string[]): string[] {
  const code = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _onnsight; printf '%s\\n' "\${COMPREPLY[@]}"`
  const said = execFileSync('bash', ['--norc', '-c', code, 'bash', scripts.bash, 'onnsight', ...words], {
    cwd: folder,
    encoding: 'utf8',
  })
  return said.split('\n').filter(line => line !== '')
}

const bashTest = has('bash') ? test : test.skip

bashTest('bash: commands, options, values and files', t => {
  const commands = makeProgram()
    .commands.map(command => command.name())
    .concat('help')
  t.deepEqual(bash(''), commands)
  t.deepEqual(bash('pro'), ['profile'])
  t.deepEqual(bash('--v'), ['--version'])
  t.deepEqual(bash('run', 'x.onnx', '--temp'), ['--template', '--template-file'])
  t.deepEqual(bash('inspect', '--'), ['--json', '--help'])
  t.deepEqual(bash('run', '--provider', ''), ['cpu', 'cuda'])
  t.deepEqual(bash('run', '--provider', 'cu'), ['cuda'])
  t.deepEqual(bash('profile', 'x.onnx', '--sort', 't'), ['time'])
  t.deepEqual(bash('profile', 'x.onnx', '--sort', '=', 't'), ['time'])
  t.deepEqual(bash('completion', ''), ['bash', 'zsh', 'fish'])
  t.deepEqual(bash('help', 'ty'), ['types'])
  t.deepEqual(bash('run', '').sort(), ['other.onnx', 'some model.onnx', 'sub'])
  t.deepEqual(bash('run', 'so'), ['some model.onnx'])
  t.deepEqual(bash('run', 'x.onnx', '--inputs', 'i'), ['ids.npy'])
  t.deepEqual(bash('run', 'x.onnx', '--input', 'ids', '=', 'i'), ['ids.npy'])
  t.true(bash('run', 'x.onnx', '--input', 'ids', '=').includes('ids.npy'))
  t.deepEqual(bash('run', 'x.onnx', '--output', '=', 't'), ['text.txt'])
  t.deepEqual(bash('doctor', '--project', ''), ['sub'])
  t.deepEqual(bash('profile', 'x.onnx', '--dim', 'batch', '=', 'i'), [])
  t.deepEqual(bash('run', 'x.onnx', '--threads', ''), [])
  t.deepEqual(bash('=', 'x'), [])
})

bashTest('bash: every option of every command is offered, and all that take a value offer no commands', t => {
  for (const command of makeProgram().commands) {
    const offered = bash(command.name(), '--')
    for (const option of command.options) {
      t.true(offered.includes(option.long!), `${command.name()} ${option.long}`)
      const values = bash(command.name(), option.long!, '')
      if (option.required) t.false(values.includes('inspect'), `${command.name()} ${option.long}`)
    }
  }
})

const fishTest = has('fish') ? test : test.skip

fishTest('fish: commands, options, values and files', t => {
  const fish = (line: string): string[] =>
    execFileSync('fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', scripts.fish, line], {
      cwd: folder,
      encoding: 'utf8',
    })
      .split('\n')
      .filter(text => text !== '')
      .map(text => text.split('\t')[0])
  t.deepEqual(fish('onnsight pro'), ['profile'])
  t.deepEqual(fish('onnsight run --temp').sort(), ['--template', '--template-file'])
  t.deepEqual(fish('onnsight run --provider '), ['cpu', 'cuda'])
  t.true(fish('onnsight inspect o').includes('other.onnx'))
  t.true(fish('onnsight run --inputs i').includes('ids.npy'))
  t.deepEqual(fish('onnsight completion z'), ['zsh'])
  t.deepEqual(fish('onnsight doctor --project s'), ['sub/'])
})

const zshTest = has('zsh') ? test : test.skip

/** Presses Tab at the end of a line. Returns the completed line and the words listed below it. */
function zsh(line: string): string {
  const code = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "unsetopt zle_bracketed_paste; autoload -U compinit; compinit -D -u; source \${(q)1}; PS1=rea''dy"
zpty -r shell said '*ready*'
zpty -w -n shell "$2"$'\\t'
# What comes next is typed when the line editor is done with it.
zpty -w -n shell $'\\x15echo do\\'\\'ne\\n'
zpty -r shell said '*done*'
print -r -- "$said"`
  return execFileSync('zsh', ['-f', '-c', code, 'zsh', scripts.zsh, line], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
  })
}

zshTest('zsh: commands, options, values and files', t => {
  t.regex(zsh('onnsight prof'), /profile/)
  t.regex(zsh('onnsight run --template-'), /--template-file/)
  t.regex(zsh('onnsight run --provider cu'), /cuda/)
  t.regex(zsh('onnsight inspect oth'), /other\.onnx/)
  t.regex(zsh('onnsight run other.onnx --input ids=i'), /ids=ids\.npy/)
  t.regex(zsh('onnsight completion fi'), /fish/)
})

test('an unknown shell exits with code 2', async t => {
  const { code, stderr } = await onnsight(['completion', 'tcsh'])
  t.is(code, 2)
  t.regex(stderr, /Allowed choices are bash, zsh, fish/)
})
