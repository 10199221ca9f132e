import { type Comparison, compare, saveMixed, type Way } from '../../compare/index.ts'
import type { LoadOptions } from '../../runtime/index.ts'
import { openModel } from '../../view/model/open-model.ts'
import { byteSize } from '../shared/byte-size.ts'
import { UsageError } from '../shared/errors.ts'
import { writeWhole } from '../shared/write-whole.ts'
import { withExitCode } from './exit-codes.ts'
import { type InputsFlags, readRuns } from './inputs.ts'
import { describe, isAbove, junit } from './junit.ts'
import type { Settings } from './settings.ts'

interface Flags extends InputsFlags {
  readonly inside?: string
  readonly keepFloat?: number
  readonly interactions?: number
  readonly save?: string
  readonly setA?: Settings
  readonly setB?: Settings
  readonly way?: Way
  readonly failAbove?: ReadonlyMap<string, number>
  readonly junit?: string
  readonly html?: string
}

/** Compares two models and writes the reports that the flags ask for. */
export async function runCompare(
  a: string,
  other: string | undefined,
  flags: Flags,
  options: LoadOptions,
): Promise<{
  readonly comparison: Comparison
  readonly exceeded: readonly string[]
  readonly mixed: string | undefined
}> {
  if (flags.junit !== undefined && !flags.failAbove)
    throw new UsageError('--junit reports metrics with bounds, and none has one.', 'pass a bound: --fail-above kl=0.01')
  if (other === undefined && !flags.setA && !flags.setB && flags.way === undefined)
    throw new UsageError(
      'There is nothing to compare with.',
      'pass a second model, or a setting for the same one: --set-b optimization=disabled, --way batch',
    )
  if (flags.save !== undefined && flags.keepFloat === undefined)
    throw new UsageError('--save writes the modules of --keep-float, which is not passed.', 'pass --keep-float 3')
  const b = other ?? a
  const { comparison, mixed } = await compared(a, b, flags, options)
  const { metrics, advice } = comparison
  const bounded = [...(flags.failAbove ?? [])].map(([metric, bound]) => {
    if (!(metric in metrics))
      throw new UsageError(
        `--fail-above ${metric}: these models have no such metric.`,
        `use one of ${Object.keys(metrics).join(', ')}`,
      )
    return { metric, value: metrics[metric], bound }
  })
  if (flags.html !== undefined) await writeWhole(flags.html, [Buffer.from(comparison.html)])
  if (flags.junit !== undefined)
    await writeWhole(flags.junit, [Buffer.from(junit(`onnsight compare ${a} ${b}`, bounded, advice))])
  return { comparison, exceeded: bounded.filter(isAbove).map(describe), mixed }
}

async function compared(
  a: string,
  b: string,
  flags: Flags,
  options: LoadOptions,
): Promise<{ readonly comparison: Comparison; readonly mixed: string | undefined }> {
  const first = await openModel(a, { ...options, ...flags.setA })
  try {
    const runs = await readRuns(first.model, flags)
    const second = await openModel(b, { ...options, ...flags.setB })
    try {
      const labels = runs?.map(({ label }) => label)
      const inputs = runs?.map(({ inputs }) => inputs)
      const comparison = await compare(first.model, second.model, inputs, {
        ...(labels ? { labels } : {}),
        ...(flags.inside === undefined ? {} : { inside: flags.inside }),
        names: namesOf(first.model.name, second.model.name, flags),
        ...(flags.way === undefined ? {} : { way: flags.way }),
        keepFloat: flags.keepFloat ?? 0,
        interactions: flags.interactions ?? 0,
      })
      if (flags.save === undefined) return { comparison, mixed: undefined }
      const kept = comparison.keepFloat.map(({ module }) => module)
      const { file, bytes, error, metric } = await saveMixed(first.model, second.model, kept, flags.save, inputs)
      const mixed = `${file}: ${byteSize(bytes)}, ${kept.length} of the modules as in the first model; run by onnxruntime alone, ${metric} is ${error.toPrecision(3)}`
      return { comparison, mixed }
    } finally {
      await second.model.release()
    }
  } catch (error) {
    throw withExitCode(error)
  } finally {
    await first.model.release()
  }
}

/** The files with the settings that only one of them has. */
function namesOf(a: string, b: string, { setA, setB, way }: Flags): { readonly a: string; readonly b: string } {
  const named = (file: string, settings: Settings | undefined, more: readonly string[]): string => {
    const all = [...Object.entries(settings ?? {}).map(([name, value]) => `${name}=${value}`), ...more]
    return all.length === 0 ? file : `${file} (${all.join(', ')})`
  }
  return { a: named(a, setA, []), b: named(b, setB, way === undefined ? [] : [way]) }
}
