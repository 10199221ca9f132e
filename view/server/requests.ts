import {
  type AblationRequest,
  type AttentionHeadRequest,
  type AttentionRequest,
  attributionMethods,
  type CodeRequest,
  type CompareRequest,
  type Comparing,
  type ComparisonRequest,
  comparedInputs,
  type Filling,
  type GenerateRequest,
  type GraphRequest,
  type HeadsRequest,
  type ImportanceRequest,
  type InputValue,
  type LensRequest,
  lineOrders,
  type ModuleRequest,
  type OperationsRequest,
  type OverviewRequest,
  type PartingRequest,
  type PatchCell,
  type PatchedLensRequest,
  type PatchRequest,
  patchedParts,
  type RowRequest,
  type RunRequest,
  type Steering,
  type SteerRequest,
  type TokensRequest,
  type ViewRequest,
} from '../protocol/api.ts'
import { unreadable } from './refusal.ts'

/* Each function checks the JSON of a request before it is used, and throws a Refusal if it does not have the expected form. */

type Json = Readonly<Record<string, unknown>>

const fillings: readonly Filling[] = ['zeros', 'ones', 'positions', 'random']

export function tokensRequest(body: unknown): TokensRequest {
  const { text, ids } = object(body, 'the request')
  if (typeof text === 'string') return { text }
  if (Array.isArray(ids) && ids.every(id => natural(id, 'ids') >= 0)) return { ids: ids as number[] }
  throw unreadable('The request has neither text nor ids.', 'send {"text": "…"} or {"ids": [1, 2]}')
}

export function runRequest(body: unknown): RunRequest {
  const { inputs = {}, dims, template } = object(body, 'the request')
  if (template !== undefined && typeof template !== 'string')
    throw unreadable('template is not a text.', 'send the template as text, or leave it out')
  return {
    inputs: Object.fromEntries(
      Object.entries(object(inputs, 'inputs')).map(([name, value]) => [name, inputValue(value, name)]),
    ),
    ...(dims === undefined
      ? {}
      : {
          dims: Object.fromEntries(
            Object.entries(object(dims, 'dims')).map(([name, size]) => [name, natural(size, `dims.${name}`)]),
          ),
        }),
    ...(template === undefined || template.trim() === '' ? {} : { template }),
  }
}

function viewRequest(body: unknown): ViewRequest {
  const { batch, isCompared = false } = object(body, 'the request')
  if (typeof isCompared !== 'boolean') throw unreadable('isCompared is not a boolean.', 'send true, or leave it out')
  const request = runRequest(body)
  if (isCompared && request.template === undefined)
    throw unreadable('There is no template to compare with.', 'send what to change as {"template": "…"}')
  return { ...request, ...(batch === undefined ? {} : { batch: natural(batch, 'batch') }), isCompared }
}

export function overviewRequest(body: unknown): OverviewRequest {
  const { position } = object(body, 'the request')
  return { ...viewRequest(body), ...(position === undefined ? {} : { position: natural(position, 'position') }) }
}

export function operationsRequest(body: unknown): OperationsRequest {
  const paths = list(object(body, 'the request').paths, 'paths')
  if (!paths.every(path => typeof path === 'string'))
    throw unreadable('paths are not texts.', 'send the paths of modules: {"paths": ["…"]}')
  return { paths: paths as string[] }
}

export function graphRequest(body: unknown): GraphRequest {
  const { path } = object(body, 'the request')
  if (typeof path !== 'string') throw unreadable('path is not a text.', 'send the path of a module: {"path": "…"}')
  return { path }
}

export function headsRequest(body: unknown): HeadsRequest {
  const { path } = object(body, 'the request')
  if (typeof path !== 'string') throw unreadable('path is not a text.', 'send the path of a module: {"path": "…"}')
  return { ...viewRequest(body), path }
}

export function patchRequest(body: unknown): PatchRequest {
  return { ...viewRequest(body), ...patchOf(object(body, 'the request')) }
}

function patchOf({ corrupted, part = 'residual', answers, layers }: Json) {
  if (typeof corrupted !== 'string') throw unreadable('corrupted is not a text.', 'send the other text')
  const named = answers === undefined ? undefined : list(answers, 'answers')
  if (named && !(named.length === 2 && named.every(text => typeof text === 'string')))
    throw unreadable('answers are not two texts.', 'send ["…", "…"]')
  return {
    corrupted,
    part: oneOf(part, patchedParts, 'part is not known.'),
    ...(named ? { answers: named as unknown as [string, string] } : {}),
    ...(layers === undefined ? {} : { layers: pair(layers, 'layers') }),
  }
}

export function patchedLensRequest(body: unknown): PatchedLensRequest {
  const { from, follow, ...rest } = lensRequest(body)
  const { cell } = object(body, 'the request')
  return {
    ...rest,
    ...patchRequest(body),
    cell: patchCellOf(object(cell, 'cell')),
    ...(from === undefined ? {} : { from }),
    ...(follow === undefined ? {} : { follow }),
  }
}

const patchCellOf = ({ layer, place }: Json): PatchCell => ({
  layer: natural(layer, 'cell.layer'),
  place: natural(place, 'cell.place'),
})

export function ablationRequest(body: unknown): AblationRequest {
  return { ...viewRequest(body), ...explainedOf(object(body, 'the request')) }
}

const explainedOf = ({ position, follow = 'next' }: Json) => ({
  ...(position === undefined ? {} : { position: natural(position, 'position') }),
  follow: oneOf(follow, ['next', 'model'] as const, 'follow is not known.'),
})

export function importanceRequest(body: unknown): ImportanceRequest {
  return { ...viewRequest(body), ...importanceOf(object(body, 'the request')) }
}

export function generateRequest(body: unknown): GenerateRequest {
  return { ...viewRequest(body), ...generationOf(object(body, 'the request')) }
}

function generationOf({ maxNewTokens = 40, temperature = 0, seed = 0 }: Json) {
  if (typeof temperature !== 'number' || !(temperature >= 0))
    throw unreadable('temperature is not a number of 0 or more.', 'send a number of 0 or more')
  const count = natural(maxNewTokens, 'maxNewTokens')
  if (count < 1 || count > 1000) throw unreadable(`maxNewTokens is ${count}.`, 'send a number from 1 to 1000')
  return { maxNewTokens: count, temperature, seed: natural(seed, 'seed') }
}

export function steerRequest(body: unknown): SteerRequest {
  return { ...generateRequest(body), ...steeringOf(object(body, 'the request')) }
}

function steeringOf({ towards, away, layer, strength }: Json): Steering {
  if (!Number.isFinite(strength)) throw unreadable('strength is not a number.', 'send a number')
  return {
    towards: texts(towards, 'towards'),
    away: texts(away, 'away'),
    layer: natural(layer, 'layer'),
    strength: strength as number,
  }
}

export const attentionRequest: (body: unknown) => AttentionRequest = viewRequest

export function attentionHeadRequest(body: unknown): AttentionHeadRequest {
  const { head, query } = object(body, 'the request')
  return {
    ...headsRequest(body),
    head: natural(head, 'head'),
    ...(query === undefined ? {} : { query: natural(query, 'query') }),
  }
}

export function lensRequest(body: unknown): LensRequest {
  const { from = 0, follow = 'next' } = object(body, 'the request')
  return {
    follow: oneOf(follow, ['next', 'model'], 'follow is not known.'),
    ...viewRequest(body),
    from: natural(from, 'from'),
  }
}

export function moduleRequest(body: unknown): ModuleRequest {
  const { value, leading, axes, facets, pattern, node, rowsFrom, isWhole } = object(body, 'the request')
  if (node !== undefined && typeof node !== 'string')
    throw unreadable('node is not a text.', 'send the name of a node, or leave it out')
  if (isWhole !== undefined && typeof isWhole !== 'boolean')
    throw unreadable('isWhole is not a boolean.', 'send true, or leave it out')
  const indices = leading === undefined ? undefined : list(leading, 'leading').map(at => natural(at, 'leading'))
  return {
    ...headsRequest(body),
    ...(node === undefined ? {} : { node }),
    ...(value === undefined ? {} : { value: natural(value, 'value') }),
    ...(indices ? { leading: indices } : {}),
    ...(axes === undefined ? {} : { axes: pair(axes, 'axes') }),
    ...(facets === undefined ? {} : { facets: natural(facets, 'facets') }),
    ...(rowsFrom === undefined ? {} : { rowsFrom: natural(rowsFrom, 'rowsFrom') }),
    ...(isWhole === undefined ? {} : { isWhole }),
    ...(pattern === undefined ? {} : { pattern: patternOf(object(pattern, 'pattern')) }),
  }
}

export function rowRequest(body: unknown): RowRequest {
  const { line, order = 'place', from = 0 } = object(body, 'the request')
  const { axis, at } = object(line, 'line')
  return {
    line: { axis: oneOf(axis, ['row', 'column'], 'line.axis is not an axis.'), at: natural(at, 'line.at') },
    order: oneOf(order, lineOrders, 'order is not a known order.'),
    ...moduleRequest(body),
    from: natural(from, 'from'),
  }
}

export function compareRequest(body: unknown): CompareRequest {
  const { position } = object(body, 'the request')
  const { template, isCompared: _, ...rest } = viewRequest(body)
  if (template === undefined) throw unreadable('There is no template.', 'send what to change as {"template": "…"}')
  return { ...rest, template, ...(position === undefined ? {} : { position: natural(position, 'position') }) }
}

export function comparisonRequest(body: unknown): ComparisonRequest {
  return { ...runRequest(body), comparing: comparingOf(object(object(body, 'the request').comparing, 'comparing')) }
}

function comparingOf({ on, texts: written }: Json): Comparing {
  const chosen = oneOf(on, comparedInputs, 'comparing.on is not known.')
  return { on: chosen, ...(chosen === 'texts' ? { texts: texts(written, 'comparing.texts') } : {}) }
}

export function partingRequest(body: unknown): PartingRequest {
  const { input = 0, from = 0 } = object(body, 'the request')
  return { ...comparisonRequest(body), input: natural(input, 'input'), from: natural(from, 'from') }
}

export function codeRequest(body: unknown): CodeRequest {
  const { tab, cell, head, generation, importance, patch, patched, steering, comparing } = object(body, 'the request')
  return {
    tab: oneOf(
      tab,
      ['overview', 'module', 'lens', 'edit', 'attention', 'importance', 'generate', 'patch', 'steer', 'compare'],
      'tab is not a known tab.',
    ),
    ...moduleRequest(body),
    ...(head === undefined ? {} : { head: natural(head, 'head') }),
    ...(importance === undefined ? {} : { importance: importanceOf(object(importance, 'importance')) }),
    ...(patch === undefined ? {} : { patch: patchOf(object(patch, 'patch')) }),
    ...(patched === undefined ? {} : { patched: patchedOf(object(patched, 'patched')) }),
    ...(generation === undefined ? {} : { generation: generationOf(object(generation, 'generation')) }),
    ...(steering === undefined ? {} : { steering: steeringOf(object(steering, 'steering')) }),
    ...(comparing === undefined ? {} : { comparing: comparingOf(object(comparing, 'comparing')) }),
    ...(cell === undefined ? {} : { cell: cellOf(object(cell, 'cell')) }),
  }
}

const importanceOf = ({ method = 'gradient', ...rest }: Json) => ({
  ...explainedOf(rest),
  method: oneOf(method, attributionMethods, 'method is not known.'),
})

const patchedOf = ({ answers, ...cell }: Json) => ({ ...patchCellOf(cell), answers: pair(answers, 'patched.answers') })

function cellOf({ layer, position }: Json) {
  return {
    ...(layer === undefined ? {} : { layer: natural(layer, 'cell.layer') }),
    position: natural(position, 'cell.position'),
  }
}

function patternOf({ node, head }: Json) {
  if (typeof node !== 'string') throw unreadable('pattern.node is not a text.', 'send the name of a node')
  return { node, head: natural(head, 'pattern.head') }
}

function inputValue(value: unknown, name: string): InputValue {
  const { text, json, generated, file } = object(value, `the input ${name}`)
  if (typeof text === 'string') return { text }
  if (json !== undefined) return { json }
  if (fillings.includes(generated as Filling)) return { generated: generated as Filling }
  if (file !== undefined) {
    const { name: fileName, base64 } = object(file, `the file of ${name}`)
    if (typeof fileName === 'string' && typeof base64 === 'string') return { file: { name: fileName, base64 } }
  }
  throw unreadable(
    `The input ${name} has no known form.`,
    `send one of {"text": "…"}, {"json": …}, {"generated": "${fillings.join('" | "')}"}, {"file": {"name": "…", "base64": "…"}}`,
  )
}

function object(value: unknown, what: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw unreadable(`There is no object for ${what}.`, 'send an object: {…}')
}

function oneOf<const T extends string>(value: unknown, all: readonly T[], problem: string): T {
  const found = all.find(one => one === value)
  if (found !== undefined) return found
  const quoted = all.map(one => `"${one}"`)
  throw unreadable(problem, `send ${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`)
}

function list(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value
  throw unreadable(`${what} is not a list.`, 'send a list: […]')
}

function pair(value: unknown, what: string): readonly [number, number] {
  const all = list(value, what).map(one => natural(one, what))
  if (all.length === 2) return [all[0], all[1]]
  throw unreadable(`${what} are not two numbers.`, 'send two whole numbers: [0, 3]')
}

function texts(value: unknown, what: string): string[] {
  const all = list(value, what)
  if (all.length > 0 && all.every(text => typeof text === 'string' && text !== '')) return all as string[]
  throw unreadable(`${what} has no texts.`, 'send one text or more: ["…", "…"]')
}

function natural(value: unknown, what: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  throw unreadable(
    `${what} is ${JSON.stringify(value)}, which is not a whole number of 0 or more.`,
    'send a whole number of 0 or more',
  )
}
