import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { type OtherRuntime, otherRuntime } from '../../runtime/engine/providers/other-runtime.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import type { Settings } from '../compare/settings.ts'
import { UsageError } from '../shared/errors.ts'

/** The files of a part of the model. */
export interface PartFiles {
  readonly model: string
  readonly inputs: string
  readonly values: ReadonlyMap<string, TensorData>
  readonly outputs: readonly string[]
}

/** Tells whether a part of the model still fails. */
export type Check = (files: PartFiles) => Promise<Outcome>

export interface Outcome {
  readonly isFailing: boolean
  /** What happened, as a clause. */
  readonly what: string
}

/** A command fails if it ends as it did with the whole model, or with this exit code. {model} and {inputs} in it are the files. */
export function commandCheck(command: string, exitCode: number | undefined, limitMs: number): Check {
  if (!command.includes('{model}'))
    throw new UsageError(
      '--command does not say where the model goes.',
      "write {model} there: --command 'node check.js {model} {inputs}'",
    )
  let due: string | undefined = exitCode === undefined ? undefined : String(exitCode)
  return async ({ model, inputs }) => {
    const line = command.replaceAll('{model}', quoted(model)).replaceAll('{inputs}', quoted(inputs))
    const end = await endOf(line, limitMs)
    due ??= end === '0' ? undefined : end
    const what =
      end === 'timeout'
        ? `the command took longer than ${limitMs / 1000} s`
        : `the command ended with ${/^\d/.test(end) ? `exit code ${end}` : end}`
    return { isFailing: end === due, what }
  }
}

const quoted = (path: string): string => `'${path.replaceAll("'", "'\\''")}'`

/** The exit code or signal that a command ends with; `timeout` if it takes longer than the limit. */
function endOf(line: string, limitMs: number): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn(line, { shell: true, stdio: 'ignore', detached: process.platform !== 'win32' })
    const kill = (): void => {
      // The shell's own children too.
      try {
        process.kill(-child.pid!, 'SIGKILL')
      } catch {
        child.kill('SIGKILL')
      }
      done('timeout')
    }
    const timer = setTimeout(kill, limitMs)
    child.on('error', failed)
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      done(String(signal ?? code))
    })
  })
}

/** Two settings fail if the outputs differ by more than this share of their length. Each runs in a process of its own. */
export function settingsCheck(a: Settings, b: Settings, above: number): Check {
  const installed = createRequire(import.meta.url).resolve('onnxruntime-node')
  const [first, second] = [a, b].map(({ runtime }) => otherRuntime(runtime ?? installed))
  return async files => {
    try {
      const [ours, theirs] = [await run(first, a, files), await run(second, b, files)]
      const differences = files.outputs.map(name => differenceOf(ours[name], theirs[name]))
      const what = `the outputs differ by ${Number(Math.max(...differences).toPrecision(2))} of their length, and --error-above is ${above}`
      return { isFailing: differences.some(difference => !(difference <= above)), what }
    } catch (error) {
      // A part that does not run at all fails otherwise.
      return { isFailing: false, what: `it does not run in both settings (${(error as Error).message})` }
    }
  }
}

async function run(
  runtime: OtherRuntime,
  { provider = 'cpu', threads, optimization = 'all' }: Settings,
  { model, values, outputs }: PartFiles,
): Promise<Record<string, TensorData>> {
  const session = await runtime.create(
    { bytes: await readFile(model), folder: undefined },
    {
      executionProviders: provider === 'cuda' ? ['cuda', 'cpu'] : ['cpu'],
      graphOptimizationLevel: optimization,
      logSeverityLevel: 4,
      extra: { session: { model_external_initializers_file_folder_path: dirname(model) } },
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    },
  )
  try {
    return await session.run(Object.fromEntries(values), outputs)
  } finally {
    await session.release()
  }
}

/** The difference's length as a share of the length of the first; infinite if only one of them is finite. */
function differenceOf(one: TensorData, other: TensorData): number {
  const [x, y] = [one, other].map(({ type, data }) =>
    Array.from(data as ArrayLike<unknown>, value => numberOf(type, value)),
  )
  if (x.length !== y.length) return Number.POSITIVE_INFINITY
  let [error, length] = [0, 0]
  for (const [i, value] of x.entries()) {
    if (Object.is(value, y[i])) continue
    error += (value - y[i]) ** 2
  }
  for (const value of x) length += value ** 2
  return error === 0 ? 0 : Math.sqrt(error / Math.max(length, Number.MIN_VALUE))
}

function numberOf(type: string, value: unknown): number {
  return type === 'float16' ? fromHalf(Number(value)) : Number(value)
}

function fromHalf(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024))
}
