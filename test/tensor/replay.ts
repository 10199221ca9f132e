import { readFileSync } from 'node:fs'
import { Tensor } from 'onnsight'
import type { DataType } from '#dist/runtime/tensor/dtypes/dtype.js'
import { where } from '#dist/runtime/tensor/ops/comparison.js'
import { einsum } from '#dist/runtime/tensor/ops/einsum.js'
import { stateOf } from '#dist/runtime/tensor/tensor.js'
import { toTensor } from '#dist/runtime/tensor/values/convert.js'
import '../one-thread.ts'

type Plain = number | string | boolean | null
interface Encoded {
  tensor: DataType
  dims: number[]
  data: Plain[]
}
type Argument = Plain | Encoded | { options: Record<string, Argument> } | Argument[]

/** One line of ops.json: a call, and PyTorch's result. */
export interface Case {
  method: string
  args: Argument[]
  result: Encoded | { values: Encoded; indices: Encoded }
}

function readCases(name: string): Case[] {
  return JSON.parse(readFileSync(new URL(`../reference/${name}.json`, import.meta.url), 'utf8')) as Case[]
}

export function casesByMethod(name: string): Map<string, Case[]> {
  const methods = new Map<string, Case[]>()
  for (const each of readCases(name)) methods.set(each.method, [...(methods.get(each.method) ?? []), each])
  return methods
}

const special: Record<string, number> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}
const plain = (value: Plain): unknown => (typeof value === 'string' && value in special ? special[value] : value)

function decodeTensor({ tensor, dims, data }: Encoded): Tensor {
  const { type, data: elements } = stateOf(toTensor(data.map(plain) as number[], { type: tensor })).data()
  return Tensor.of({ type, dims, data: elements })
}

function decode(argument: Argument): unknown {
  if (Array.isArray(argument)) return argument.map(decode)
  if (argument === null || typeof argument !== 'object') return plain(argument)
  if ('tensor' in argument) return decodeTensor(argument)
  return Object.fromEntries(Object.entries(argument.options).map(([name, value]) => [name, decode(value)]))
}

/** Runs the case. Returns what is wrong; undefined if nothing is. */
export async function replay({ method, args, result }: Case): Promise<string | undefined> {
  const decoded = args.map(decode)
  const free: Record<string, (...args: never[]) => unknown> = { '.where': where, '.einsum': einsum }
  let actual: unknown
  try {
    if (method in free) actual = free[method](...(decoded as never[]))
    else actual = (decoded[0] as Record<string, (...args: unknown[]) => unknown>)[method](...decoded.slice(1))
    if ('tensor' in result) return await compare(actual as Tensor, result, method)
    const ranked = actual as { values: Tensor; indices: Tensor }
    return (await compare(ranked.values, result.values)) ?? (await compare(ranked.indices, result.indices))
  } catch (error) {
    return String(error)
  }
}

const tolerances: Partial<Record<DataType, number>> = { float16: 4e-3, float32: 2e-5, float64: 1e-9 }

async function compare(
  actual: Tensor,
  { tensor: type, dims, data }: Encoded,
  method = '',
): Promise<string | undefined> {
  const predicted = actual.dims
  const value = await actual.value()
  if (value.type !== type || actual.type !== type)
    return `gives ${value.type} (recorded as ${actual.type}), not ${type}`
  if (String(predicted) !== String(dims)) return `is recorded as [${predicted}], not [${dims}]`
  if (String(value.dims) !== String(dims)) return `gives [${value.dims}], not [${dims}]`
  const wanted = data.map(plain)
  // onnxruntime only has erf in float32.
  const tolerance = tolerances[/^(erf|gelu)$/.test(method) && type === 'float64' ? 'float32' : type] ?? 0
  for (const [i, got] of Array.from(value.data as ArrayLike<number | bigint>, Number).entries()) {
    const want = Number(wanted[i])
    const isSame =
      Object.is(got, want) || got === want || Math.abs(got - want) <= tolerance * Math.max(1, Math.abs(want))
    if (!isSame) return `gives ${got} at ${i}, not ${want}`
  }
  return undefined
}

export function show({ method, args }: Case): string {
  const text = (argument: Argument): string => {
    if (argument === null || typeof argument !== 'object') return String(argument)
    return 'tensor' in argument ? `${argument.tensor}[${argument.dims}]` : JSON.stringify(argument)
  }
  return `${method}(${args.map(text).join(', ')})`
}
