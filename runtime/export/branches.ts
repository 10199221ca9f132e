import type { Program } from '../engine/blocks/program.ts'
import { UnsavableEditError } from '../errors/edit.ts'
import type { Mark, Recording, Tap } from '../graph/expression.ts'
import { normalise } from '../graph/normalise.ts'

const FIX = 'edit what lies before and after the branches, or export the model without them'

/** An edit that reaches into what inputs choose: the model with all its branches in it does not have that place, or has another. */
export function insideBranch(label: string | undefined, mark?: Mark, cause?: unknown): UnsavableEditError {
  const what = label ?? 'a place that it reads or writes'
  const at = mark?.position() ?? (cause as { at?: ReturnType<Mark['position']> } | undefined)?.at
  return new UnsavableEditError(
    `${what} lies in, or passes into, a branch of the model that inputs choose`,
    FIX,
    at,
    cause,
  )
}

/**
 * Checks that edits do the same to the model with all its branches in it as to the model with these branches chosen.
 * @throws UnsavableEditError for one that does not
 */
export function assertAroundBranches(whole: Program, inWhole: Recording, chosen: Program, inChosen: Recording): void {
  const there = new Map(placesOf(whole, inWhole).map(place => [place.key, place]))
  const here = placesOf(chosen, inChosen)
  for (const { key, tap, mark } of here) if (!there.has(key)) throw insideBranch(tap.label, mark)
  const [other] = [...there.values()].filter(({ key }) => !here.some(place => place.key === key))
  if (other) throw insideBranch(other.tap.label, other.mark)
  for (const [tap, [{ mark }]] of inChosen.writes) {
    if (reachesBranch(chosen, tap, whole) !== reachesIf(whole, there.get(keyOf(chosen, tap, 'write'))!.tap)) {
      throw insideBranch(tap.label, mark)
    }
  }
}

interface PlaceUsed {
  readonly key: string
  readonly tap: Tap
  readonly mark: Mark | undefined
}

/** Where a recording reads and writes. */
function placesOf(program: Program, { owner, writes }: Recording): PlaceUsed[] {
  const places: PlaceUsed[] = []
  for (const [tap, list] of writes) places.push({ key: keyOf(program, tap, 'write'), tap, mark: list[0].mark })
  for (const expression of normalise({ owner, writes, wanted: [] }).order) {
    const taps = expression.kind === 'read' ? [expression.tap] : []
    if (expression.kind === 'application') taps.push(expression.from, expression.to)
    for (const tap of taps)
      places.push({ key: keyOf(program, tap, 'read'), tap, mark: 'mark' in expression ? expression.mark : undefined })
  }
  return places
}

/** The same in every graph of the model: nodes have other numbers there. */
function keyOf({ graph }: Program, { scope, direction, tensor }: Tap, use: string): string {
  const index = /^node:(\d+)$/.exec(scope)?.[1]
  return [use, index === undefined ? scope : `node ${graph.nodes[Number(index)].name}`, direction, tensor].join('\n')
}

/** Of the nodes that read a value inside branches: whether a write at the tap reaches them; undefined if there are none, or some. */
function reachesBranch({ graph, taps }: Program, tap: Tap, whole: Program): boolean | undefined {
  const own = new Set(whole.graph.nodes.map(({ name }) => name))
  const inside = (graph.consumers.get(tap.tensor) ?? []).filter(({ name }) => !own.has(name))
  const reached = inside.map(node => taps.pathOf(tap.tensor, node).includes(tap))
  return reached.every(each => each === reached[0]) ? reached[0] : undefined
}

function reachesIf({ graph, taps }: Program, tap: Tap): boolean | undefined {
  const readers = (graph.consumers.get(tap.tensor) ?? []).filter(({ opType }) => opType === 'If')
  return readers.length === 0 ? undefined : readers.every(node => taps.pathOf(tap.tensor, node).includes(tap))
}
