import type { Command } from 'commander'

export interface InputFlags {
  readonly input?: readonly string[]
  readonly inputs?: string
}

/** Adds the options that pass the model's inputs. */
export function addInputOptions(command: Command): Command {
  return command
    .option(
      '--input <name=value>',
      'one input: a file (.npy, .json, .safetensors) or JSON, ids=[[1, 2]]; repeat it for each input',
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .option('--inputs <file>', 'all inputs: a .safetensors or .json file, or JSON')
}
