import type { Program } from '../engine/blocks/program.ts'
import { UnsavableEditError } from '../errors/edit.ts'
import type { Mark, Recording, Tap } from '../graph/expression.ts'
import { normalise } from '../graph/normalise.ts'

const FIX = 'edit what lies before and after the branches, or export the model without them'

/** The error for an edit inside a branch that inputs choose: the file contains all branches, and there the edit would do something else. */
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
 * Checks that edits do the same to the whole model, with all its branches, as to the model with some branches chosen.
 * @throws UnsavableEditError for an edit that does not
 */
export function assertOutsideBranches(whole: Program, inWhole: Recording, chosen: Program, inChosen: Recording): void {
  const inWholeModel = new Map(tapUsesOf(whole, inWhole).map(place => [place.key, place]))
  const inChosenModel = tapUsesOf(chosen, inChosen)
  for (const { key, tap, mark } of inChosenModel) if (!inWholeModel.has(key)) throw insideBranch(tap.label, mark)
  const [other] = [...inWholeModel.values()].filter(({ key }) => !inChosenModel.some(place => place.key === key))
  if (other) throw insideBranch(other.tap.label, other.mark)
  for (const [tap, [{ mark }]] of inChosen.writes) {
    if (reachesBranch(chosen, tap, whole) !== reachesIf(whole, inWholeModel.get(keyOf(chosen, tap, 'write'))!.tap)) {
      throw insideBranch(tap.label, mark)
    }
  }
}

interface TapUse {
  readonly key: string
  readonly tap: Tap
  readonly mark: Mark | undefined
}

/** The taps at which a recording reads and writes. */
function tapUsesOf(program: Program, { owner, writes }: Recording): TapUse[] {
  const uses: TapUse[] = []
  for (const [tap, list] of writes) uses.push({ key: keyOf(program, tap, 'write'), tap, mark: list[0].mark })
  for (const expression of normalise({ owner, writes, wanted: [] }).order) {
    const taps = expression.kind === 'read' ? [expression.tap] : []
    if (expression.kind === 'application') taps.push(expression.from, expression.to)
    for (const tap of taps)
      uses.push({ key: keyOf(program, tap, 'read'), tap, mark: 'mark' in expression ? expression.mark : undefined })
  }
  return uses
}

/** A key that is equal in all graphs of a model. A node's index is replaced by its name, because indices differ. */
function keyOf({ graph }: Program, { scope, direction, tensor }: Tap, use: string): string {
  const index = /^node:(\d+)$/.exec(scope)?.[1]
  return [use, index === undefined ? scope : `node ${graph.nodes[Number(index)].name}`, direction, tensor].join('\n')
}

/** Whether a write at the tap reaches the nodes inside branches that read the value; undefined if there are none, or if it reaches only some. */
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
