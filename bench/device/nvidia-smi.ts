import { execFileSync } from 'node:child_process'

/** What nvidia-smi tells of the device; undefined where there is none. */
export function nvidiaSmi(query: string): string | undefined {
  try {
    return execFileSync('nvidia-smi', [`--query-gpu=${query}`, '--format=csv,noheader,nounits'], {
      encoding: 'utf8',
    }).trim()
  } catch {
    return undefined
  }
}
