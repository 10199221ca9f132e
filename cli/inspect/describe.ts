import { describeInput } from '../../runtime/errors/input.ts'
import type { Declared, Model } from '../../runtime/index.ts'
import { modelMembers } from '../../runtime/model/model.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { printModule } from '../../runtime/names/print.ts'
import { byteSize } from '../shared/byte-size.ts'
import { fitLines, stylesOf, type Terminal } from '../shared/terminal.ts'
import { inspection } from './inspection.ts'
import { Sizes } from './sizes.ts'

/** Describes a model as text for people, as wide as the terminal. */
export function describe(model: Model, terminal: Terminal): string {
  const { taps } = handleOf(model)!.binding
  const sizes = new Sizes(taps.tree.graph)
  const { opsets, irVersion, inputs, outputs, nodes, operations, parameters, bytes, blocks, branches } =
    inspection(model)
  const sets = Object.entries(opsets).map(([domain, version]) => `${domain} ${version}`)
  const tree = printModule(
    taps.tree.root,
    name => sizes.weight(name).dims,
    modelMembers,
    module => {
      const size = sizes.of(module)
      return size.parameters > 0 ? `${number(size.parameters)} parameters, ${byteSize(size.bytes)}` : undefined
    },
  )
  const text = [
    `${model.name}: ${number(nodes)} nodes, ${number(parameters)} parameters, ${byteSize(bytes)}`,
    `opset ${sets.join(', ')} · IR ${irVersion}`,
    section('inputs', declared(inputs)),
    section('outputs', declared(outputs)),
    `modules\n${tree}`,
    section(
      'blocks, with their nodes',
      blocks.map(({ label, nodes }) => `${label} (${nodes})`),
    ),
    ...(branches.length > 0 ? [section('branches', branches)] : []),
    section(
      'operations',
      Object.entries(operations).map(([name, count]) => `${String(count).padStart(6)}  ${name}`),
    ),
  ].join('\n\n')
  return text
    .split('\n')
    .map(line => fitted(line, terminal))
    .join('\n')
}

/** A line that fits the terminal. Headings are bold, and what follows a module's name is dim. */
function fitted(line: string, terminal: Terminal): string {
  const { bold, dim } = stylesOf(terminal)
  const isHeading = /^\S/.test(line) && !line.includes(' · ')
  const hasFacts = FACTS.test(line)
  const style = (part: string, i: number): string => {
    if (isHeading) return bold(part)
    if (!hasFacts) return part
    return i === 0 ? part.replace(FACTS, dim) : dim(part)
  }
  return fitLines(line, terminal).split('\n').map(style).join('\n')
}

const FACTS = / {2,}· .*$/

const declared = (values: readonly Declared[]): string[] => values.map(describeInput)

const section = (title: string, lines: readonly string[]): string =>
  [title, ...(lines.length > 0 ? lines : ['none']).map(line => `  ${line}`)].join('\n')

const number = (count: number): string => count.toLocaleString('en-US')
