import {
  type AttentionHead,
  type AttentionHeadRequest,
  type AttentionOverview,
  type Cell,
  type Heads,
  type HeadsRequest,
  type ModuleView,
  type OperationsLists,
  type OperationsRequest,
  ROW_VALUES,
  type Row,
  type RowRequest,
} from './api.ts'
import { keyOf, type SavedCopy } from './saved-copy.ts'

/* Answers of a saved copy that are parts of others: they need no space of their own. */

type Answers = SavedCopy['answers']

/** Finds the answer to a request in the answers to others; undefined if they don't have it. */
export function derivedAnswer(answers: Answers, name: string, body: unknown): unknown {
  if (name === 'row') return rowIn(answers, body as RowRequest)
  if (name === 'attention-head') return headIn(answers, body as AttentionHeadRequest)
  if (name === 'heads') return headsIn(answers, body as HeadsRequest)
  if (name === 'operations') return operationsIn(answers, body as OperationsRequest)
  return undefined
}

const savedValue = <R>(answers: Answers, name: string, body: unknown): R | undefined =>
  answers[keyOf(name, body)]?.value as R | undefined

/** A row or column of a module's map, if the map has all cells. */
function rowIn(
  answers: Answers,
  { line: { axis, at }, order = 'place', from = 0, ...module }: RowRequest,
): Row | undefined {
  const view = savedValue<ModuleView>(answers, 'module', module)
  if (!view?.map || view.compared || view.window || view.map.factors.some(factor => factor > 1)) return undefined
  const { cells } = view.map
  const line = axis === 'row' ? cells[at] : cells.map(row => row[at])
  if (!line) return undefined
  const numbers = line.map(Number)
  // NaN comes first, because users look for it.
  const rank = (i: number): number => {
    const value = order === 'magnitude' ? Math.abs(numbers[i]) : numbers[i]
    return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value
  }
  const all = numbers.map((_, i) => i)
  const sorted = order === 'place' ? all : all.sort((a, b) => rank(b) - rank(a) || a - b)
  const indices = sorted.slice(from, from + ROW_VALUES)
  const tokens = axis === 'row' && view.vocabulary?.length ? view.vocabulary : undefined
  return {
    count: line.length,
    from,
    indices,
    values: indices.map(i => line[i]),
    largest: numbers.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 0),
    ...(tokens ? { tokens: indices.map(i => tokens[i]) } : {}),
  }
}

/** A head of the overview of all heads, if its small map has all cells. */
function headIn(answers: Answers, { path, head, query, ...request }: AttentionHeadRequest): AttentionHead | undefined {
  const site = savedValue<AttentionOverview>(answers, 'attention', request)?.sites.find(one => one.path === path)
  const map = site?.maps[head]
  if (!site || !map || site.differences || map.factors.some(factor => factor > 1)) return undefined
  const { queries, keys, areTokens } = site
  const at = Math.min(query ?? queries - 1, queries - 1)
  return { path, head, queries, keys, areTokens, map, query: at, row: map.cells[at] as Cell[] }
}

/** The small maps in a module, from those in the whole model. */
function headsIn(answers: Answers, { path, ...request }: HeadsRequest): Heads | undefined {
  const all = savedValue<Heads>(answers, 'heads', { ...request, path: '' })
  if (!all || all.omitted > 0) return undefined
  const isInside = (module: string): boolean => module === path || module.startsWith(`${path}.`)
  return { omitted: 0, patterns: all.patterns.filter(({ module }) => isInside(module)) }
}

/** The operations of some modules, from lists of more of them. */
function operationsIn(answers: Answers, { paths }: OperationsRequest): OperationsLists | undefined {
  const known = Object.entries(answers)
    .filter(([key]) => key.startsWith('operations '))
    .flatMap(([, { value }]) => (value as OperationsLists).modules)
  const modules = paths.map(path => known.find(one => one.path === path))
  return modules.every(one => one !== undefined) ? { modules } : undefined
}
