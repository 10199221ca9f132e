import { Argument, type Command } from 'commander'
import { bashScript } from './bash.ts'
import { fishScript } from './fish.ts'
import { type CompletionTree, completionTree } from './tree.ts'
import { zshScript } from './zsh.ts'

/* The library @bomb.sh/tab works with commander, but it tells shells to offer no files, and the arguments of these commands are mostly files. */

const scripts: Readonly<Record<string, (tree: CompletionTree) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes commands, options and files in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(scripts)))
    .addHelpText(
      'after',
      `
Examples (run the one for your shell, once):
  echo 'source <(onnsight completion bash)' >> ~/.bashrc
  echo 'source <(onnsight completion zsh)' >> ~/.zshrc            # after compinit
  onnsight completion fish > ~/.config/fish/completions/onnsight.fish`,
    )
    .action((shell: string) => {
      process.stdout.write(scripts[shell](completionTree(program)))
    })
}
