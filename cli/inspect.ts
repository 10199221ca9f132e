import { describeInput } from '../runtime/errors/input.ts'
import type { Declared, Model } from '../runtime/index.ts'
import { handleOf } from '../runtime/model/module.ts'

/** What a model is, as data. */
export function inspection(model: Model) {
  const { tree } = handleOf(model)!.binding.taps
  return {
    file: model.name,
    inputs: model.signature.inputs,
    outputs: model.signature.outputs,
    modules: tree.modules.map(({ path, className, nodes, weights }) => ({
      path,
      ...(className ? { className } : {}),
      nodes: nodes.length,
      weights: [...weights.keys()],
    })),
    blocks: model.blocks,
  }
}

/** The same for people. */
export function describe(model: Model): string {
  const list = (values: readonly Declared[]): string => values.map(value => `  ${describeInput(value)}`).join('\n')
  const blocks = model.blocks.map(({ label, nodes }) => `  ${label} (${nodes})`).join('\n')
  return [
    `${model.name}: ${model.nodeNames.length} nodes`,
    `inputs\n${list(model.signature.inputs)}`,
    `outputs\n${list(model.signature.outputs)}`,
    `modules\n${String(model)}`,
    `blocks, with their nodes\n${blocks}`,
  ].join('\n\n')
}
