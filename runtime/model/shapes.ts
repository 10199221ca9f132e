import type { Engine } from '../engine/engine.ts'
import type { ValueShape } from '../engine/scanning/value-shape.ts'
import { OnnsightError } from '../errors/error.ts'
import { showDims } from '../errors/tensor.ts'
import type { Tap } from '../graph/expression.ts'
import { pathsOf } from '../names/aliases.ts'
import type { ModuleNode } from '../names/tree.ts'

/** Dtype and dims of a module's input and output; undefined if no value or several pass there. */
export interface ModuleShapes {
  /** The activation that enters. */
  readonly input: ValueShape | undefined
  /** The activation that leaves. */
  readonly output: ValueShape | undefined
}

/** Dims and dtypes of a model for inputs of certain dims. A dim that depends on the data is undefined. */
export class ModelShapes {
  /** Inputs and outputs of modules, by path: `shapes.modules['transformer.h.0.attn'].output`. */
  readonly modules: Readonly<Record<string, ModuleShapes>>
  /** Values and weights by their names in the graph. */
  readonly tensors: Readonly<Record<string, ValueShape>>

  constructor(modules: Readonly<Record<string, ModuleShapes>>, tensors: Readonly<Record<string, ValueShape>>) {
    this.modules = modules
    this.tensors = tensors
  }

  /** A line for each module, indented as in the tree. */
  toString(): string {
    const lines = Object.entries(this.modules).map(([path, { input, output }]) => {
      const parts = path.split('.')
      const name = path === '' ? 'model' : parts[parts.length - 1]
      const depth = path === '' ? 0 : parts.length
      return `${'  '.repeat(depth)}${name}  · ${show(input)} → ${show(output)}`
    })
    return lines.join('\n')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

export async function modelShapes(engine: Engine, inputs: Parameters<Engine['shapes']>[0]): Promise<ModelShapes> {
  const shapes = await engine.shapes(inputs)
  const { taps, tree } = engine.program
  const at = (find: (module: ModuleNode) => Tap, module: ModuleNode): ValueShape | undefined => {
    try {
      return publicShape(shapes.get(find(module).tensor))
    } catch (error) {
      if (error instanceof OnnsightError) return undefined
      throw error
    }
  }
  const modules = tree.modules.map(
    module =>
      [
        module,
        { input: at(inner => taps.inputTap(inner), module), output: at(inner => taps.outputTap(inner), module) },
      ] as const,
  )
  const paths = pathsOf(tree)
  const byPath: Record<string, ModuleShapes> = {}
  for (const [module, shapes] of modules) byPath[module.path] = shapes
  // Modules are found by their other names too, but listed once.
  for (const [module, value] of modules)
    for (const path of paths.get(module) ?? [])
      if (!(path in byPath)) Object.defineProperty(byPath, path, { value, enumerable: false })
  return new ModelShapes(
    byPath,
    Object.fromEntries([...shapes].map(([name, { type, dims }]) => [name, { type, dims }])),
  )
}

/** A shape without the fields that only the engine needs. */
const publicShape = (shape: ValueShape | undefined): ValueShape | undefined =>
  shape && { type: shape.type, dims: shape.dims }

const show = (shape: ValueShape | undefined): string =>
  shape ? `${shape.type} ${shape.dims ? showDims(shape.dims) : '[?]'}` : '?'
