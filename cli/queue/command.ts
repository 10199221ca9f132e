import { Argument, type Command, InvalidArgumentError } from 'commander'
import { UsageError } from '../shared/errors.ts'
import { addLoadOptions, count, type LoadFlags, loadOptionsOf } from '../shared/load-options.ts'
import type { QueueFlags, WorkerFlags } from './flags.ts'

export function addWorker(program: Command): void {
  const command = program
    .command('worker')
    .description('run jobs of harvests and sweeps from a queue, on this machine')
    .requiredOption('--queue <url>', 'the queue: redis://host:6379')
    .option('--models <files...>', 'the .onnx files that it has; others are looked for where a job says, by their hash')
    .option('--concurrency <jobs>', 'jobs at once', count)
    .option(
      '--rate <jobs>',
      'the most jobs that this worker starts in a second: 10, or 0.1 for one in ten seconds',
      rate,
    )
    .option('--memory <size>', 'the most memory, 8GB: above it models are freed, and then the worker ends', bytes)
    .option('--lock <seconds>', 'how long the job of a worker that was killed waits for another (default: 60)', count)
  addLoadOptions(command, 'the cores divided by the workers on this machine')
    .addHelpText(
      'after',
      `
Examples:
  onnsight worker --queue redis://localhost:6379 --models model.onnx
  onnsight worker --queue rediss://queue.example.org --memory 8GB --threads 2`,
    )
    .action(async (flags: WorkerFlags & LoadFlags) => {
      const { runWorker } = await import('./run.ts')
      await runWorker(flags, loadOptionsOf(flags))
    })
}

export function addQueue(program: Command): void {
  program
    .command('queue')
    .description('show a queue of jobs, and stop, empty or repeat it')
    .addArgument(new Argument('<action>', 'what to do').choices(ACTIONS))
    .requiredOption('--queue <url>', 'the queue: redis://host:6379')
    .option('--rate <jobs>', 'for limit: the most jobs that all workers together start in a second', rate)
    .option('--json', 'show the status as JSON')
    .addHelpText(
      'after',
      `
status shows how many jobs there are, and the dead letters: jobs that failed as often as they may. pause lets workers take no more jobs until
resume; limit sets how many jobs all workers together start in a second, and without --rate takes that limit away; drain removes the jobs
that wait; retry puts dead letters back.

Examples:
  onnsight queue status --queue redis://localhost:6379
  onnsight queue limit --queue redis://localhost:6379 --rate 20
  onnsight queue retry --queue redis://localhost:6379`,
    )
    .action(async (action: string, flags: QueueFlags) => {
      if (flags.rate !== undefined && action !== 'limit')
        throw new UsageError('--rate is for limit.', 'onnsight queue limit --rate 20 --queue redis://…')
      const { runQueue } = await import('./run.ts')
      await runQueue(action, flags)
    })
}

const ACTIONS = ['status', 'pause', 'resume', 'limit', 'drain', 'retry']

/** The fewest jobs in a second: one in some quarter of an hour. */
const SLOWEST = 0.001

function rate(text: string): number {
  const jobs = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0
  if (jobs < SLOWEST) throw new InvalidArgumentError(`Pass a number of ${SLOWEST} or more.`)
  return jobs
}

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }

function bytes(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text) ?? []
  const size = Number(number) * UNITS[unit?.toUpperCase() ?? '']
  if (!(size > 0)) throw new InvalidArgumentError('Pass a size: 8GB.')
  return size
}
