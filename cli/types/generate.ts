import { describeType } from '../../runtime/errors/input.ts'
import type { Model } from '../../runtime/index.ts'
import { modelMembers } from '../../runtime/model/model.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { fusedAt } from '../../runtime/model/modules/operations.ts'
import { reservedNames } from '../../runtime/names/reserved.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { GraphNode } from '../../runtime/onnx/graph/node.ts'

/** A `.d.ts` with the model's modules: completion and type errors for paths. `name` is that of the exported type. */
export function generateTypes(model: Model, name: string, file: string): string {
  const root = handleOf(model)!.scope
  const modules = new Modules(handleOf(model)!.binding.taps.tree.graph.nodes.map(operationsAt), [
    name,
    `${name}Inputs`,
    'TensorLike',
    'TypedLayers',
    'TypedModel',
    'TypedModule',
  ])
  const type = modules.typeOf(root)
  return `// Made by \`npx onnsight types ${file}\`. Make it again when the model changes.
import type { TensorLike, TypedLayers, TypedModel, TypedModule } from 'onnsight'

/** \`await load<${name}>('${file}')\` */
export type ${name} = TypedModel<${type}>

/** What the model takes. A type and no interface: interfaces can't be given where any names are taken. */
export type ${name}Inputs = {
${model.signature.inputs.map(input => `  /** ${describeType(input)} */\n  readonly ${key(input.name)}${input.optional ? '?' : ''}: TensorLike`).join('\n')}
}

${modules.declarations.join('\n\n')}
`
}

/** What `ops` has for a node: itself, and the fused one whose result it makes. */
function operationsAt(node: GraphNode): string[] {
  const fused = fusedAt(node)
  return fused ? [fused.opType, node.opType] : [node.opType]
}

/** One type for all modules that are built alike. */
class Modules {
  readonly declarations: string[] = []
  readonly #opTypes: readonly (readonly string[])[]
  readonly #known = new Map<string, string>()
  readonly #names: Set<string>

  /** @param taken names that the file has for other things: a Llama has a module `model` */
  constructor(opTypes: readonly (readonly string[])[], taken: readonly string[]) {
    this.#opTypes = opTypes
    this.#names = new Set(taken)
  }

  typeOf(module: ModuleNode): string {
    const members = module.path === '' ? modelMembers : reservedNames
    const children = [...module.children, ...module.aliases]
      .filter(([name, child]) => !members.has(name) && child !== module)
      .map(([name, child]) => [name, this.typeOf(child)] as const)
    const fields = children.map(([name, type]) => `  readonly ${key(name)}: ${type}`)
    const layers = module.isList ? ` & TypedLayers<${union(children.map(([, type]) => type))}>` : ''
    const weights = union([...module.parameters.keys(), ...module.weights.keys()].map(quote))
    const ops = union(module.own.flatMap(index => this.#opTypes[index].map(quote)))
    const body = `TypedModule<${fields.length > 0 ? `{\n${fields.join('\n')}\n}` : 'unknown'}${layers}, ${weights}, ${ops}>`
    const known = this.#known.get(body)
    if (known) return known
    const name = this.#nameFor(module)
    this.#known.set(body, name)
    this.declarations.push(`type ${name} = ${body}`)
    return name
  }

  #nameFor({ name, className, parent }: ModuleNode): string {
    const own = className ?? (/^\d+$/.test(name) ? `${parent?.name ?? ''}Layer` : name || 'Root')
    const words = own.split(/\W+/).filter(word => word !== '')
    const base = words.map(word => word[0].toUpperCase() + word.slice(1)).join('') || 'Module'
    const plain = /^\d/.test(base) ? `Module${base}` : base
    let found = plain
    for (let i = 2; this.#names.has(found); i++) found = `${plain}${i}`
    this.#names.add(found)
    return found
  }
}

const union = (types: readonly string[]): string => [...new Set(types)].join(' | ') || 'never'

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const key = (name: string): string => (/^(?:[A-Za-z_$][\w$]*|0|[1-9]\d*)$/.test(name) ? name : quote(name))
