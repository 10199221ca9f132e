import { Float16Array } from '@petamoriken/float16'
import type { ExecutionContext } from 'ava'
import { type Model, type Module, type Tensor, tensor } from 'onnsight'
import * as ort from 'onnxruntime-node'

/** Elements and dims of outputs, by name. */
export type Outputs = Record<string, { readonly dims: readonly number[]; readonly data: readonly (number | bigint)[] }>

/** Lengths for the inputs' open dims. */
export type Lengths = Readonly<Record<string, number>>

/** Inputs of these lengths. They always have the same numbers. */
export function feedsOf(model: Model, lengths: Lengths): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {}
  for (const { name, type, dims } of model.signature.inputs) {
    const own = dims!.map((dim, axis) => (typeof dim === 'number' ? dim : (lengths[dim ?? `${name} ${axis}`] ?? 1)))
    const size = own.reduce((product, dim) => product * dim, 1)
    const numbers = Array.from({ length: size }, (_, i) => (/mask/.test(name) ? 1 : i % 7))
    const data =
      type === 'int64'
        ? BigInt64Array.from(numbers, BigInt)
        : type === 'bool'
          ? Uint8Array.from(numbers, () => lengths[name] ?? 0)
          : Float32Array.from(numbers, (_, i) => Math.sin(i * 1.7) / 2)
    feeds[name] =
      type === 'bool'
        ? tensor(Array.from(data as Uint8Array, Boolean), { dims: own })
        : tensor(data as never, { dims: own })
  }
  return feeds
}

/** The outputs of the file, computed by onnxruntime alone with all its optimisations. */
export async function bare(path: string, feeds: Readonly<Record<string, Tensor>>): Promise<Outputs> {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4, graphOptimizationLevel: 'all' })
  const fed = Object.fromEntries(
    Object.entries(feeds).map(([name, { type, data, dims }]) => [
      name,
      new ort.Tensor(type as 'int64', data as never, dims as number[]),
    ]),
  )
  const results = await session.run(fed)
  await session.release()
  return Object.fromEntries(
    Object.entries(results).map(([name, { type, data, dims }]) => {
      const { buffer, byteOffset, length } = data as Uint16Array<ArrayBuffer>
      const numbers = type === 'float16' ? new Float16Array(buffer, byteOffset, length) : (data as Float32Array)
      return [name, { dims, data: Array.from<number>(numbers) }]
    }),
  )
}

export async function through(model: Model, feeds: Readonly<Record<string, Tensor>>): Promise<Outputs> {
  const results = await model.run(feeds)
  return Object.fromEntries(
    Object.entries(results).map(([name, { dims, data }]) => [
      name,
      { dims: dims as number[], data: Array.from(data as Float32Array) },
    ]),
  )
}

/** The largest difference, relative to the largest element. Dims and integers must be equal. */
export function distance(t: ExecutionContext, a: Outputs, b: Outputs): number {
  t.deepEqual(Object.keys(a), Object.keys(b))
  let most = 0
  for (const [name, { dims, data }] of Object.entries(a)) {
    t.deepEqual(b[name].dims, dims, name)
    const largest = data.reduce<number>((max, x) => Math.max(max, Math.abs(Number(x))), 0) || 1
    data.forEach((x, i) => {
      most = Math.max(most, Math.abs(Number(x) - Number(b[name].data[i])) / largest)
    })
  }
  return most
}

/** Modules by path, parents first. */
export function pathsOf({ path, modules }: Pick<Module, 'path' | 'modules'>): string[] {
  return [path, ...modules.flatMap(pathsOf)]
}

export interface Comparison {
  readonly edited: Model
  readonly original: Model
  /** A file that the edited model was saved to. */
  readonly path: string
  readonly lengths: readonly Lengths[]
  /** The tolerance, as blocks may round differently from a whole graph. @default 0: bit for bit */
  readonly tolerance?: number
}

/** Checks that the file gives the same as the edited model, for inputs of all these lengths, and not the same as the original. */
export async function isSameAs(
  t: ExecutionContext,
  { edited, original, path, lengths, tolerance = 0 }: Comparison,
): Promise<void> {
  let away = 0
  for (const each of lengths) {
    const feeds = feedsOf(original, each)
    const expected = await through(edited, feeds)
    const off = distance(t, expected, await bare(path, feeds))
    t.true(off <= tolerance, `${off} for ${JSON.stringify(each)}`)
    away = Math.max(away, distance(t, expected, await through(original, feeds)))
  }
  t.true(away > 1e-3, `the edit changes next to nothing: ${away}`)
}
