import { quantisationOf } from '../../runtime/names/quantisation.ts'
import type { GraphNode } from '../../runtime/onnx/graph/node.ts'
import { mainTap } from '../pairing/pair-values.ts'
import type { Pairing } from '../pairing/pairing.ts'
import type { Side } from '../side.ts'

/** The nodes of A that take the place of a module of B, and the values where they join B's graph. */
export interface Replacement {
  readonly module: string
  /** Nodes of A, in running order, that compute `outputs` from `inputs` and weights. */
  readonly nodes: readonly GraphNode[]
  /** The values of A that come from outside, with those of B that stand for them. */
  readonly inputs: ReadonlyMap<string, string>
  /** The module's output, and the caches that it gives. */
  readonly outputs: readonly Joined[]
}

/** A value of A, and that of B in whose place it stands. */
export interface Joined {
  readonly a: string
  readonly b: string
}

/** Finds what takes the place of a module of B. A text says why nothing can. */
export function replacementOf(a: Side, b: Side, { modules, values }: Pairing, path: string): Replacement | string {
  const module = a.tree.get(path)
  const partner = module && modules.of(module)?.module
  const output = mainTap(a, module, 'out')?.tensor
  const pair = values.find(pair => pair.a === output)
  if (!module || !pair) return 'its output has no partner in the second model'
  if (!isInFile(b, pair.b)) return 'its output lies inside a fused operator of the second model'
  const from = mainTap(a, module, 'in')?.tensor
  const theirs = mainTap(b, partner, 'in')?.tensor ?? values.find(pair => pair.a === from)?.b ?? sameInput(b, from)
  const inputs = new Map<string, string>()
  const nodes = new Set<GraphNode>()
  const outputs = [{ a: pair.a, b: pair.b }, ...cachesOf(a, b, path, pair.a)]
  const open = outputs.map(one => one.a)
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === '' || a.graph.initializers.has(name) || inputs.has(name)) continue
    if (name === from) {
      if (theirs === undefined || !isInFile(b, theirs)) return 'its input has no partner in the second model'
      inputs.set(name, theirs)
      continue
    }
    const node = a.graph.producer.get(name)?.node
    const isOutside = node === undefined || !isWithin(a.tree.scopeOf(node).path, path)
    if (isOutside) {
      const other = values.find(pair => pair.a === name)?.b ?? sameInput(b, name)
      if (other === undefined || !isInFile(b, other))
        return `it reads ${name}, which has no partner in the second model`
      inputs.set(name, other)
      continue
    }
    if (nodes.has(node)) continue
    if (node.captures.length > 0) return `its node ${node.name} has a body that reads values from outside`
    nodes.add(node)
    open.push(...node.inputs)
  }
  const isSameOpset = a.graph.opsets.get('') === b.graph.opsets.get('')
  const changed = isSameOpset
    ? undefined
    : [...nodes].find(({ domain, opType }) => domain === '' && !UNCHANGED.has(opType))
  if (changed) return `the second model has another opset, in which ${changed.opType} may mean something else`
  const other = [...inputs].find(
    ([one, two]) => a.shapes.get(one)?.type !== b.shapes.get(two)?.type && !isConvertible(b, two),
  )
  if (other) return `its input ${other[1]} is of another type in the second model`
  return {
    module: path,
    nodes: [...nodes].sort((one, two) => one.index - two.index),
    inputs,
    outputs,
  }
}

/** Outputs of the model beside a module's own, such as a cache, that it computes in A and that B has by the same name. */
function cachesOf(a: Side, b: Side, path: string, output: string): Joined[] {
  return a.graph.outputs
    .map(({ name }) => name)
    .filter(name => {
      const [maker, other] = [a.graph.producer.get(name)?.node, b.graph.producer.get(name)?.node]
      return name !== output && maker && other && isWithin(a.tree.scopeOf(maker).path, path) && isInFile(b, name)
    })
    .map(name => ({ a: name, b: name }))
}

/** Operators that mean the same in every opset from 13 on. */
const UNCHANGED = new Set([
  ...['MatMul', 'Gemm', 'Conv', 'Gather', 'Add', 'Sub', 'Mul', 'Div', 'Pow', 'Sqrt', 'Erf', 'Tanh', 'Sigmoid', 'Relu'],
  ...['Reshape', 'Shape', 'Concat', 'Cast', 'Transpose', 'Identity', 'Slice', 'Flatten', 'Expand'],
])

const isWithin = (path: string, module: string): boolean => path === module || path.startsWith(`${module}.`)

/** An input of the whole model, such as token ids, that B has by the same name. */
const sameInput = ({ graph }: Side, name: string | undefined): string | undefined =>
  graph.inputs.find(input => input.name === name)?.name

/** Whether a value is in the file, and not only inside of a fused operator. */
function isInFile({ graph }: Side, value: string): boolean {
  const node = graph.producer.get(value)?.node
  if (!node) return graph.inputs.some(({ name }) => name === value) || graph.initializers.has(value)
  return node.cluster === undefined || node.cluster.fused.outputs.includes(value)
}

/** Whether a value is floats, or integers that stand for floats. */
const isConvertible = ({ graph, shapes }: Side, value: string): boolean =>
  (shapes.get(value)?.type.includes('float') ?? false) || quantisationOf(graph, value) !== undefined
