import type { Engine } from '../../engine/engine.ts'
import type { ValueShape } from '../../engine/scanning/value-shape.ts'
import type { DeclaredInput } from '../../errors/input.ts'
import { batchAxisOf } from '../../language-inputs/empty-cache.ts'
import type { Language } from '../../language-inputs/language.ts'
import { idsInput, type Role, roleOf } from '../../language-inputs/roles.ts'
import { type Axes, type Axis, PROMPT } from '../../tensor/axes.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import { scanner } from '../../tracing/invokes/rows.ts'
import type { AllTokens, AxesOfValue } from '../../tracing/traceable.ts'

type Feeds = ReadonlyMap<string, TensorData>
type Shapes = ReadonlyMap<string, ValueShape>

/** The axes of one value: those that have a place for each token, and the one with a row for each prompt. */
interface Places {
  readonly rank: number
  readonly prompts: number | undefined
  readonly tokens: readonly number[]
}

type PlacesOf = (value: string) => Places | undefined

/** The axes of each engine's values. They are found once, by scanning the model with one more token, and with one more prompt. */
const placesByEngine = new WeakMap<Engine, Promise<PlacesOf>>()

const GROW_WITH_TOKENS: readonly Role[] = ['mask', 'positions', 'cache-positions', 'token-types']

/** The axes of each value, with these inputs' tokens as labels. @param all the tokens in the cache, followed by those of these inputs */
export async function tokenAxes(
  engine: Engine,
  inputs: Feeds,
  declared: readonly DeclaredInput[],
  language: Language,
  all?: AllTokens,
): Promise<AxesOfValue> {
  const ids = inputs.get(idsInput(declared) ?? '')
  if (ids?.dims.length !== 2) return () => undefined
  let places = placesByEngine.get(engine)
  if (!places) {
    // Dims that the model fixes can't grow.
    places = findPlaces(engine, inputs, declared).catch(() => () => undefined)
    placesByEngine.set(engine, places)
  }
  const placesOf = await places
  const [, length] = ids.dims
  const own = once(() => tokensOf(ids, language))
  const whole = all && once(() => all().map(row => row.map(id => language.textOf(id))))
  // An axis of keys, or of a cache's positions, is longer than the inputs, and its labels include the tokens in the cache.
  const labelsFor = (dim: number | undefined): readonly (readonly string[])[] =>
    (dim !== length && whole ? whole : own)()
  return (value, dims) => {
    const found = placesOf(value)
    return found && axesAt(found, axis => labelsFor(dims[axis]))
  }
}

function axesAt({ rank, prompts, tokens }: Places, labelsOf: (axis: number) => readonly (readonly string[])[]): Axes {
  return Array.from({ length: rank }, (_, axis): Axis => {
    if (axis === prompts) return { name: PROMPT }
    if (!tokens.includes(axis)) return { name: undefined }
    const name = tokens.length === 1 ? 'token' : axis === tokens.at(-1) ? 'key' : 'query'
    const labels = labelsOf(axis)
    // A value without an axis for prompts belongs to all prompts.
    if (prompts === undefined) return labels.length === 1 ? { name, labels: labels[0] } : { name }
    return { name, labelsByPrompt: labels }
  })
}

function once<T>(find: () => T): () => T {
  let found: { readonly value: T } | undefined
  return () => {
    found ??= { value: find() }
    return found.value
  }
}

function tokensOf({ data, dims: [rows, length] }: TensorData, language: Language): string[][] {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length }, (_, i) => language.textOf(Number(data[row * length + i]))),
  )
}

async function findPlaces(engine: Engine, inputs: Feeds, declared: readonly DeclaredInput[]): Promise<PlacesOf> {
  const idsName = idsInput(declared)!
  const [rows] = inputs.get(idsName)!.dims
  const input = (name: string) => declared.find(other => other.name === name)
  const growsWithTokens = (name: string): boolean => {
    const role = input(name) && roleOf(input(name)!, declared)
    return name === idsName || (role !== undefined && GROW_WITH_TOKENS.includes(role))
  }
  const axesOf = (axisOf: (name: string, data: TensorData) => number | undefined): ReadonlyMap<string, number> =>
    new Map(
      [...inputs].flatMap(([name, data]) => {
        const axis = axisOf(name, data)
        return axis === undefined ? [] : [[name, axis] as const]
      }),
    )
  const scan = scanner(engine, inputs)
  const usual = await scan()
  const longer = await scan(axesOf((name, { dims }) => (growsWithTokens(name) ? dims.length - 1 : undefined)))
  const wider = await scan(
    axesOf((name, { dims }) => {
      const open = input(name)?.dims
      const axis = open ? batchAxisOf(open) : 0
      return typeof open?.[axis] !== 'number' && dims[axis] === rows ? axis : undefined
    }),
  )
  const grown = (value: string, after: Shapes): readonly number[] | undefined => {
    const [before, then] = [usual.get(value)?.dims, after.get(value)?.dims]
    if (!before || before.length !== then?.length) return undefined
    return before.flatMap((dim, axis) => (dim !== undefined && then[axis] === dim + 1 ? [axis] : []))
  }
  return value => {
    const [tokens, prompts] = [grown(value, longer), grown(value, wider)]
    if (!tokens || !prompts || prompts.length > 1 || tokens.includes(prompts[0])) return undefined
    const rank = usual.get(value)!.dims!.length
    return tokens.length + prompts.length > 0 ? { rank, prompts: prompts[0], tokens } : undefined
  }
}
