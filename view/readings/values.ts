import { OnnsightError } from '../../runtime/errors/error.ts'
import { UnknownShapeError } from '../../runtime/errors/tensor.ts'
import type { Tap } from '../../runtime/graph/expression.ts'
import type { Tensor } from '../../runtime/index.ts'
import type { Binding } from '../../runtime/model/modules/binding.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { SentShape, ValuePlace } from '../protocol/api.ts'
import { nodeOf } from './operations.ts'

/** An output or input of a module, in the current trace. */
export interface Reading {
  readonly place: ValuePlace
  readonly tensor: Tensor
}

/** The outputs and inputs of a module. */
export interface Readings {
  /** The outputs come first, then inputs and weights. */
  readonly readings: readonly Reading[]
  /** The index of the module's output, which is shown by default; 0 if it has none. */
  readonly main: number
  /** The reason why the module has no output. */
  readonly note?: string
}

export function readingsOf(binding: Binding, module: ModuleNode, node?: string): Readings {
  if (node !== undefined) return readingsOfNode(binding, module, node)
  const { taps } = binding
  const output = findTap(() => taps.outputTap(module))
  const sides = [
    ['output', taps.outputTaps(module)],
    ['input', taps.inputTaps(module)],
  ] as const
  const readings = [
    ...sides.flatMap(([side, found]) => [...found].map(([name, tap]) => readingAt(binding, side, name, tap))),
    ...[...module.weights.values()].map(name => readingAt(binding, 'weight', name, taps.tensorTap(name))),
  ]
  const main = readings.findIndex(({ place }) => place.side === 'output' && place.name === output.tap?.tensor)
  return { readings, main: Math.max(0, main), ...(output.reason ? { note: output.reason } : {}) }
}

/** What a node gives, what it reads, and the weights among it. */
function readingsOfNode(binding: Binding, module: ModuleNode, name: string): Readings {
  const { taps } = binding
  const { nodes, initializers } = taps.tree.graph
  const node = nodeOf(nodes, module, name)
  const read = [...new Set([...node.inputs, ...node.captures])].filter(input => input !== '')
  const isWeight = (input: string): boolean => initializers.has(input)
  return {
    readings: [
      ...node.outputs
        .filter(output => output !== '')
        .map(output => readingAt(binding, 'output', output, taps.nodeTap(node, 'out', output))),
      ...read
        .filter(input => !isWeight(input))
        .map(input =>
          // What a body reads from outside does not go through the node's own inputs.
          readingAt(
            binding,
            'input',
            input,
            node.inputs.includes(input) ? taps.nodeTap(node, 'in', input) : taps.tensorTap(input),
          ),
        ),
      ...read.filter(isWeight).map(input => readingAt(binding, 'weight', input, taps.tensorTap(input))),
    ],
    main: 0,
  }
}

function readingAt(binding: Binding, side: ValuePlace['side'], name: string, tap: Tap): Reading {
  const tensor = binding.read(tap)
  return { place: { side, name, ...shapeOf(tensor) }, tensor }
}

/** Calls a function that finds a value's place. Returns the reason if there is no place, or more than one. */
function findTap(find: () => Tap): { readonly tap?: Tap; readonly reason?: string } {
  try {
    return { tap: find() }
  } catch (error) {
    if (error instanceof OnnsightError) return { reason: error.message.split('\n')[0] }
    throw error
  }
}

export function shapeOf(tensor: Tensor): SentShape {
  return { type: tensor.type, dims: dimsOf(tensor)?.map(dim => dim ?? null) ?? [] }
}

function dimsOf(tensor: Tensor): Tensor['dims'] | undefined {
  try {
    return tensor.dims
  } catch (error) {
    if (error instanceof UnknownShapeError) return undefined
    throw error
  }
}

/** Returns a tensor whose dims are all known. If they depend on the data, the model runs up to the tensor. */
export async function withKnownDims(tensor: Tensor): Promise<Tensor> {
  const dims = dimsOf(tensor)
  return dims === undefined || dims.includes(undefined) ? await tensor.value() : tensor
}
