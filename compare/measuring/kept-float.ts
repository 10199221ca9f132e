import { readActivation, writeActivation } from '../../runtime/model/modules/activation.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { InputPair } from '../inputs.ts'
import { mainTap } from '../pairing/pair-values.ts'
import type { Pairing } from '../pairing/pairing.ts'
import type { Side } from '../side.ts'
import type { OutputMetric } from './output-error.ts'
import { errorOf, outputOf } from './runs.ts'
import { readValue, writeValue } from './taps.ts'

/**
 * The error of B's output if the first n of these modules are those of A, for n from 0 to all of them. B runs up to such a module, A computes
 * the module's output from what B gives it, and B goes on from there.
 */
export async function errorsWithout(
  a: Side,
  b: Side,
  { modules: partners, values }: Pairing,
  input: InputPair,
  metric: OutputMetric,
  paths: readonly string[],
): Promise<number[]> {
  const ours = await a.model.trace(input.a, () => outputOf(a, metric.output))
  const replaced = new Map<string, Tensor>()
  const pairOf = (path: string) => {
    const output = mainTap(a, a.tree.get(path), 'out')?.tensor
    return values.find(pair => pair.a === output)
  }
  /** The paired outputs in B of the modules beside a module. */
  const siblingsOf = (path: string): string[] =>
    [...(a.tree.get(path)?.parent?.children.values() ?? [])].flatMap(sibling =>
      sibling.children.size > 0 ? [] : (pairOf(sibling.path)?.b ?? []),
    )
  const writeAll = (made: readonly (readonly [path: string, output: Tensor])[]): void => {
    for (const [path, output] of made) {
      const { b: value } = pairOf(path)!
      writeValue(b, value, output)
    }
    // If the dims of only some inputs of a fused attention are declared, onnxruntime infers wrong ones for its output: so all are written.
    const written = new Set(made.map(([path]) => pairOf(path)!.b))
    for (const value of new Set(made.flatMap(([path]) => siblingsOf(path))))
      if (!written.has(value)) writeValue(b, value, readValue(b, value).add(0))
  }
  /** What the module of A makes of what B gives it, after other modules were replaced. */
  const outputAfter = async (path: string, made: readonly (readonly [string, Tensor])[]): Promise<Tensor> => {
    const key = [...made.map(([before]) => before), path].join(' ')
    const known = replaced.get(key)
    if (known) return known
    const module = a.tree.get(path)
    const [from, theirs] = [mainTap(a, module, 'in'), mainTap(b, partners.of(module!)?.module, 'in')]
    const given =
      theirs &&
      (await b.model.trace(input.b, () => {
        writeAll(made)
        return readActivation(b.binding, theirs)
      }))
    const output = await a.model.trace(input.a, () => {
      if (from && given) writeActivation(a.binding, from, given.to(a.shapes.get(from.tensor)?.type ?? given.type))
      return readValue(a, pairOf(path)!.a)
    })
    replaced.set(key, output)
    return output
  }
  const place = (path: string): number => b.graph.producer.get(pairOf(path)!.b)?.node.index ?? -1
  const errors: number[] = []
  for (let count = 0; count <= paths.length; count++) {
    const made: (readonly [string, Tensor])[] = []
    for (const path of paths.slice(0, count).sort((one, other) => place(one) - place(other)))
      made.push([path, await outputAfter(path, made)])
    const theirs = await b.model.trace(input.b, () => {
      writeAll(made)
      return outputOf(b, metric.outputOfB)
    })
    errors.push(await errorOf(metric, ours, theirs))
  }
  return errors
}
