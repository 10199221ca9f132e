import { execFileSync } from 'node:child_process'

/** The answer of nvidia-smi to a query about the device; undefined if there is none. */
export function nvidiaSmi(query: string): string | undefined {
  try {
    return execFileSync('nvidia-smi', [`--query-gpu=${query}`, '--format=csv,noheader,nounits'], {
      encoding: 'utf8',
    }).trim()
  } catch {
    return undefined
  }
}
