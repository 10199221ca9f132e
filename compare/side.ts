import type { Engine } from '../runtime/engine/engine.ts'
import type { ValueShape } from '../runtime/engine/scanning/value-shape.ts'
import { idsOf, logitsOf } from '../runtime/language-inputs/ids-and-logits.ts'
import type { Model } from '../runtime/model/model.ts'
import type { Binding } from '../runtime/model/modules/binding.ts'
import { handleOf } from '../runtime/model/modules/module.ts'
import type { Taps } from '../runtime/names/taps.ts'
import type { ModuleTree } from '../runtime/names/tree.ts'
import type { OnnxGraph } from '../runtime/onnx/graph/graph.ts'
import type { TensorData } from '../runtime/tensor/dtypes/data.ts'
import { Tensor } from '../runtime/tensor/tensor.ts'
import { asTraceable } from '../runtime/tracing/traceable.ts'

/** All inputs of a model by name, as it gets them. */
export type NamedInputs = Readonly<Record<string, Tensor>>

/** One of the two models, with the branches that its inputs choose and the dims that its values have for these inputs. */
export interface Side {
  readonly model: Model
  readonly binding: Binding
  readonly engine: Engine
  readonly taps: Taps
  readonly tree: ModuleTree
  readonly graph: OnnxGraph
  readonly shapes: ReadonlyMap<string, ValueShape>
  /** The names of a language model's input with token ids, and of its output with logits. */
  readonly ids: string | undefined
  readonly logits: string | undefined
}

/** Checks a model's inputs and fills in those that follow from others. @throws InputError */
export function prepared(model: Model, inputs: unknown): NamedInputs {
  const feeds = asTraceable(model, 'compare').prepare(inputs)
  return Object.fromEntries([...feeds].map(([name, data]) => [name, Tensor.of(data)]))
}

/** Returns the model's side for these inputs, without running the model. */
export async function sideOf(model: Model, inputs: NamedInputs): Promise<Side> {
  const traced = asTraceable(model, 'compare')
  const feeds = traced.prepare(inputs) as ReadonlyMap<string, TensorData>
  const { engine } = await traced.variant(feeds)
  const { taps } = engine.program
  const { tree } = taps
  const shapes = await engine.shapes(new Map([...feeds].map(([name, { type, dims }]) => [name, { type, dims }])))
  const ids = idsOf(model.signature)
  return {
    model,
    binding: handleOf(model)!.binding,
    engine,
    taps,
    tree,
    graph: tree.graph,
    shapes,
    ids,
    logits: logitsOf(model.signature, tree.graph, ids),
  }
}
