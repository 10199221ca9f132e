import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, hostname } from 'node:os'

/** What workers on one machine have in common. On Linux containers share it too, though their host names differ. */
export function machineName(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return hostname()
  }
}

/**
 * The threads for one operator in each of so many workers on this machine: together they use each core once. A container or a process that may
 * use few cores only keeps them.
 */
export function threadsOf(workers: number, cores = cpus().length, own = availableParallelism()): number {
  return Math.max(1, Math.min(own, Math.floor(cores / Math.max(1, workers))))
}
