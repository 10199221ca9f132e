import type { OutputGlance } from '../../protocol/api.ts'
import { numberOf, show } from '../parts/numbers.ts'
import { Scrolling } from '../parts/scrolling.tsx'
import { showShape } from '../parts/shapes.ts'

interface OutputsProps {
  readonly outputs: readonly OutputGlance[]
  /** The names of the classes. */
  readonly classes: readonly string[] | undefined
}

/** What comes out of a model: the range of each output, and the largest numbers of a row of classes. */
export function Outputs({ outputs, classes }: OutputsProps) {
  if (outputs.length === 0) return null
  return (
    <section aria-labelledby="outputs-title">
      <h3 id="outputs-title">{outputs.length === 1 ? 'Output' : 'Outputs'}</h3>
      <Scrolling label="Ranges of the outputs">
        <table class="numbers">
          <caption class="hidden">The outputs and their ranges</caption>
          <thead>
            <tr>
              <th scope="col" class="left">
                name
              </th>
              <th scope="col" class="left">
                dims
              </th>
              <th scope="col">min</th>
              <th scope="col">mean</th>
              <th scope="col">max</th>
            </tr>
          </thead>
          <tbody>
            {outputs.map(output => (
              <tr key={output.name}>
                <td class="left code">{output.name}</td>
                <td class="left code">{showShape(output)}</td>
                <td>{show(numberOf(output.min))}</td>
                <td>{show(numberOf(output.mean))}</td>
                <td>{show(numberOf(output.max))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
      {outputs.map(
        ({ name, dims, top }) => top && <Top key={name} name={name} top={top} names={namesFor(dims, classes)} />,
      )}
    </section>
  )
}

/** The names of the classes, if the output has as many numbers. */
const namesFor = (dims: readonly number[], classes: OutputsProps['classes']) =>
  dims.at(-1) === classes?.length ? classes : undefined

function Top({
  name,
  top,
  names,
}: {
  name: string
  top: NonNullable<OutputGlance['top']>
  names: readonly string[] | undefined
}) {
  const isLogits = /logit/i.test(name)
  return (
    <table class="numbers">
      <caption>The largest of {name}</caption>
      <thead>
        <tr>
          <th scope="col" class="left">
            {names ? 'class' : 'place'}
          </th>
          <th scope="col">value</th>
          {isLogits && <th scope="col">softmax</th>}
        </tr>
      </thead>
      <tbody>
        {top.map(({ at, value, probability }) => (
          <tr key={at}>
            <td class="left">{names?.[at] || at}</td>
            <td>{show(numberOf(value))}</td>
            {isLogits && <td>{numberOf(probability).toFixed(4)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
