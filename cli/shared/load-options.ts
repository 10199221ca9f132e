import { type Command, InvalidArgumentError, Option } from 'commander'
import type { LoadOptions } from '../../runtime/index.ts'

export interface LoadFlags {
  readonly provider?: 'cpu' | 'cuda'
  readonly threads?: number
}

/** Adds the options that say where and how a command runs its model. */
export function addLoadOptions(command: Command, threads = 'one for each physical core'): Command {
  return command
    .addOption(new Option('--provider <name>', 'where to run the model').choices(['cpu', 'cuda']).default('cpu'))
    .option('--threads <count>', `threads for one operator (default: ${threads})`, count)
}

export function loadOptionsOf({ provider, threads }: LoadFlags): LoadOptions {
  return { ...(provider ? { provider } : {}), ...(threads === undefined ? {} : { threads }) }
}

/** Parses a whole number of 1 or more. */
export function count(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Pass a whole number of 1 or more.')
  return Number(text)
}
