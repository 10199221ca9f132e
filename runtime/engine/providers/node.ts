import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type * as ort from 'onnxruntime-node'
import type { Provider, SessionModel } from '../sessions/provider.ts'
import { onnxruntime } from './onnxruntime-node.ts'
import { withOptimizers, wrapSession } from './ort.ts'
import { otherRuntime } from './other-runtime.ts'
import { probeModel } from './probe.ts'
import { processor } from './processor.ts'

export interface NodeProviderOptions {
  readonly device: 'cpu' | 'cuda'
  readonly deviceId: number
  /** Threads for one operator. @default onnxruntime's own choice: one for each physical core */
  readonly threads?: number
  /** The level of graph optimisation of sessions that run the model. @default 'all' */
  readonly optimization?: ort.InferenceSession.SessionOptions['graphOptimizationLevel'] | undefined
  /** The folder of another onnxruntime-node, whose sessions run the model in a process of their own. */
  readonly runtime?: string | undefined
  /** Folder for the profile and the optimised graph of each session that runs the model. Profiles are written when sessions are released. */
  readonly profileFolder?: string
}

/** Runs sessions with onnxruntime-node, on the CPU or on one CUDA device. */
export function nodeProvider(options: NodeProviderOptions): Provider {
  const other = options.runtime === undefined ? undefined : otherRuntime(options.runtime)
  const provider: Provider = {
    name: options.device,
    async create(model, { optimize, prepack, returnsMemory }) {
      const isRun = optimize === 'model'
      const level = isRun ? (options.optimization ?? 'all') : optimize
      // Skeletons, which only tell dims, are always created in this process.
      const { extra, ...settings } = await sessionOptions(options, model, level, prepack, isRun)
      if (isRun && other)
        return withOptimizers(model.isShielded, more =>
          other.create(model, { ...settings, extra: { ...extra, ...more } }),
        )
      const { InferenceSession, Tensor } = await onnxruntime()
      const session = await withOptimizers(model.isShielded, more =>
        InferenceSession.create(model.bytes, {
          ...settings,
          ...memoryOptions(returnsMemory),
          extra: { ...extra, ...more },
        }),
      )
      const wrapped = wrapSession(session, Tensor)
      return isRun && options.profileFolder !== undefined ? { ...wrapped, release: () => endProfile(session) } : wrapped
    },
    async packing() {
      if (options.device !== 'cpu' || other) return undefined
      const { InferenceSession, env } = await onnxruntime()
      return {
        packer: { processor: await processor(), version: env.versions.node ?? env.versions.common },
        async save(model, path, weightsPath) {
          const level = options.optimization ?? 'all'
          const { extra, ...settings } = await sessionOptions(options, model, level, true, false)
          const saved = { ...(extra?.session as SessionConfig), ...savingPacked(weightsPath) }
          const session = await withOptimizers(model.isShielded, more =>
            InferenceSession.create(model.bytes, {
              ...settings,
              optimizedModelFilePath: path,
              extra: { session: saved, ...more },
            }),
          )
          await session.release()
        },
      }
    },
    async probe() {
      const session = await provider.create(probeModel(), { prepack: false, optimize: 'disabled' })
      await session.release()
    },
  }
  return provider
}

/** A session keeps the memory of its runs in an arena of its own, unless it has none. */
const memoryOptions = (returnsMemory = false): ort.InferenceSession.SessionOptions =>
  returnsMemory ? { enableCpuMemArena: false, enableMemPattern: false } : {}

/** onnxruntime's options for a session. Profiles are written of sessions that run the model only. */
async function sessionOptions(
  { device, deviceId, threads, profileFolder }: NodeProviderOptions,
  { folder }: SessionModel,
  graphOptimizationLevel: NodeProviderOptions['optimization'],
  prepack: boolean,
  isRun: boolean,
): Promise<ort.InferenceSession.SessionOptions> {
  return {
    executionProviders: device === 'cuda' ? [{ name: 'cuda', deviceId }, 'cpu'] : ['cpu'],
    ...(graphOptimizationLevel === undefined ? {} : { graphOptimizationLevel }),
    logSeverityLevel: 4,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...(isRun && profileFolder !== undefined ? await profileOptions(profileFolder) : {}),
    extra: { session: sessionConfig(folder, prepack) },
  }
}

/**
 * Options for a profile `session-1_2026-….json`, to which onnxruntime adds the date, and the optimised graph `session-1.onnx`, whose weights
 * stay in their files. The number is the first free one, as other models and worker processes may write into the same folder.
 */
async function profileOptions(folder: string): Promise<Partial<ort.InferenceSession.SessionOptions>> {
  for (let number = 1; ; number++) {
    const prefix = join(folder, `session-${number}`)
    try {
      await writeFile(`${prefix}.onnx`, '', { flag: 'wx' })
      return { enableProfiling: true, profileFilePrefix: prefix, optimizedModelFilePath: `${prefix}.onnx` }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** onnxruntime then writes weights of a page and more to a file beside the optimised model, and their packed forms. */
const savingPacked = (weightsPath: string): SessionConfig => ({
  save_external_prepacked_constant_initializers: '1',
  optimized_model_external_initializers_file_name: basename(weightsPath),
  optimized_model_external_initializers_min_size_in_bytes: '4096',
})

async function endProfile(session: ort.InferenceSession): Promise<void> {
  session.endProfiling()
  await session.release()
}

/** Options under `session.`. onnxruntime joins the names of nested ones with dots. */
type SessionConfig = Record<string, string | Record<string, string>>

/**
 * Keys must be strings with string values. Threads that wait for work spin, and many sessions share the cores: one that spins slows what the
 * others compute. So they spin only during a run, for as long as the pauses between two operators last. Sleeping at once makes runs of one
 * token as fast on two cores, but each pause would then cost a wake-up; the default duration makes them up to 1.3 times as slow as this one
 * when other programs want the cores too.
 */
function sessionConfig(folder: string | undefined, prepack: boolean): SessionConfig {
  const config: SessionConfig = { force_spinning_stop: '1', intra_op: { spin_duration_us: '100' } }
  if (!prepack) config.disable_prepacking = '1'
  if (folder !== undefined) config.model_external_initializers_file_folder_path = folder
  return config
}
