import { Argument, type Command } from 'commander'
import { bashScript } from './bash.ts'
import { fishScript } from './fish.ts'
import { type CompletionTree, completionTree } from './tree.ts'
import { zshScript } from './zsh.ts'

/* @bomb.sh/tab knows commander, but tells shells to offer no files, which are most of what is typed here. */

const scripts: Readonly<Record<string, (tree: CompletionTree) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('a script that completes commands, options and files in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(scripts)))
    .addHelpText(
      'after',
      `
Examples, once for good:
  echo 'source <(onnsight completion bash)' >> ~/.bashrc
  echo 'source <(onnsight completion zsh)' >> ~/.zshrc            # after compinit
  onnsight completion fish > ~/.config/fish/completions/onnsight.fish`,
    )
    .action((shell: string) => {
      process.stdout.write(scripts[shell](completionTree(program)))
    })
}
