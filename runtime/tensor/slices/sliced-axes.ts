import { type Axes, type Axis, axesOf, hasAxes, PROMPT, setAxes } from '../axes.ts'
import { stateOf, type Tensor } from '../tensor.ts'
import { type Choice, rangeBounds, rangeLength, type Selection } from './selection.ts'

/** Gives a part of a tensor what is known of the tensor's axes. */
export function carryAxes(from: Tensor, to: Tensor, selection: Selection): Tensor {
  if (from !== to && hasAxes(from)) setAxes(to, () => slicedAxes(axesOf(from), selection))
  return to
}

function slicedAxes(axes: Axes | undefined, selection: Selection): Axes | undefined {
  // Several lists give joint axes, and a list of another rank than 1 gives several axes. Nobody knows what these stand for.
  const lists = selection.filter(({ kind }) => kind === 'list' || kind === 'mask')
  if (!axes || lists.length > 1) return undefined
  const prompts = selection.find(choice => choice.kind !== 'newaxis' && axes[choice.axis].name === PROMPT)
  const result: Axis[] = []
  for (const choice of selection) {
    if (choice.kind === 'index') continue
    if (choice.kind === 'newaxis') {
      result.push({ name: undefined })
      continue
    }
    if (choice.kind === 'list' && choice.values.rank !== 1) return undefined
    const { name, labels, labelsByPrompt } = axes[choice.axis]
    const ofPrompts = labelsByPrompt && prompts ? chosen(labelsByPrompt, prompts) : labelsByPrompt
    const rows = ofPrompts?.map(row => chosen(row, choice) ?? [])
    const own = prompts?.kind === 'index' ? rows?.[0] : undefined
    result.push({
      name,
      labels: own ?? (labels && chosen(labels, choice)),
      labelsByPrompt: own ? undefined : rows,
    })
  }
  return result
}

/** The elements of a list that a choice takes; undefined if only the run knows them. */
function chosen<T>(list: readonly T[], choice: Choice): readonly T[] | undefined {
  switch (choice.kind) {
    case 'whole':
      return list
    case 'range': {
      const [first] = rangeBounds(choice.range, list.length)
      const { step } = choice.range
      return Array.from({ length: rangeLength(choice.range, list.length) as number }, (_, i) => list[first + i * step])
    }
    case 'index':
      return choice.at === undefined ? undefined : [list.at(Number(choice.at))!]
    case 'list':
      return choice.values.computed
        ? Array.from(stateOf(choice.values).data().data as ArrayLike<unknown>, place => list.at(Number(place))!)
        : undefined
    default:
      return undefined
  }
}
