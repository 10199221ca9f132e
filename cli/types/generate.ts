import { describeType } from '../../runtime/errors/input.ts'
import type { Model } from '../../runtime/index.ts'
import { modelMembers } from '../../runtime/model/model.ts'
import { attentionsOf } from '../../runtime/model/modules/heads/attention-of.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { fusedAt } from '../../runtime/model/modules/operations.ts'
import { reservedNames } from '../../runtime/names/reserved.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { GraphNode } from '../../runtime/onnx/graph/node.ts'

/** Generates a `.d.ts` with the model's modules, so that editors complete and check their paths. `name` is the name of the exported type. */
export function generateTypes(model: Model, name: string, file: string): string {
  const { scope: root, binding } = handleOf(model)!
  const modules = new Modules(
    binding.taps.tree.graph.nodes.map(operationsAt),
    module => attentionsOf(binding).hasOne(module),
    [name, `${name}Inputs`, 'Heads', 'TensorLike', 'TypedLayers', 'TypedModel', 'TypedModule'],
  )
  const type = modules.typeOf(root)
  const imports = [...(modules.haveHeads ? ['Heads'] : []), 'TensorLike', 'TypedLayers', 'TypedModel', 'TypedModule']
  return `// Made by \`npx onnsight types ${file}\`. Make it again when the model changes.
import type { ${imports.join(', ')} } from 'onnsight'

/** \`await load<${name}>('${file}')\` */
export type ${name} = TypedModel<${type}>

/** The model's inputs. This is a type, because an interface is not assignable to a type with an index signature. */
export type ${name}Inputs = {
${model.signature.inputs.map(input => `  /** ${describeType(input)} */\n  readonly ${key(input.name)}${input.optional ? '?' : ''}: TensorLike`).join('\n')}
}

${modules.declarations.join('\n\n')}
`
}

/** The operations that a module's `ops` lists for a node: its own, and the fused operation whose result it computes, if there is one. */
function operationsAt(node: GraphNode): string[] {
  const fused = fusedAt(node)
  return fused ? [fused.opType, node.opType] : [node.opType]
}

/** Declares the types of modules. Modules with the same children, weights and operations share a type. */
class Modules {
  readonly declarations: string[] = []
  /** Whether some module's type has `heads`. */
  haveHeads = false
  readonly #opTypes: readonly (readonly string[])[]
  readonly #hasHeads: (module: ModuleNode) => boolean
  readonly #declared = new Map<string, string>()
  readonly #names: Set<string>

  /**
   * @param opTypes the operations of each node, by its index
   * @param hasHeads whether a module's `heads` are known
   * @param reserved names that the file uses for other things, which a module's type can't have
   */
  constructor(
    opTypes: readonly (readonly string[])[],
    hasHeads: (module: ModuleNode) => boolean,
    reserved: readonly string[],
  ) {
    this.#opTypes = opTypes
    this.#hasHeads = hasHeads
    this.#names = new Set(reserved)
  }

  typeOf(module: ModuleNode): string {
    const members = module.path === '' ? modelMembers : reservedNames
    const children = [...module.children, ...module.aliases]
      .filter(([name, child]) => !members.has(name) && child !== module)
      .map(([name, child]) => [name, this.typeOf(child)] as const)
    const fields = children.map(([name, type]) => `  readonly ${key(name)}: ${type}`)
    // If a child has this name, the property is the child.
    if (!children.some(([name]) => name === 'heads') && this.#hasHeads(module)) {
      fields.push('  readonly heads: Heads')
      this.haveHeads = true
    }
    const layers = module.isList ? ` & TypedLayers<${union(children.map(([, type]) => type))}>` : ''
    const weights = union([...module.parameters.keys(), ...module.weights.keys()].map(quote))
    const ops = union(module.own.flatMap(index => this.#opTypes[index].map(quote)))
    const body = `TypedModule<${fields.length > 0 ? `{\n${fields.join('\n')}\n}` : 'unknown'}${layers}, ${weights}, ${ops}>`
    const declared = this.#declared.get(body)
    if (declared) return declared
    const name = this.#nameFor(module)
    this.#declared.set(body, name)
    this.declarations.push(`type ${name} = ${body}`)
    return name
  }

  #nameFor({ name, className, parent }: ModuleNode): string {
    const own = className ?? (/^\d+$/.test(name) ? `${parent?.name ?? ''}Layer` : name || 'Root')
    const words = own.split(/\W+/).filter(word => word !== '')
    const base = words.map(word => word[0].toUpperCase() + word.slice(1)).join('') || 'Module'
    const identifier = /^\d/.test(base) ? `Module${base}` : base
    let free = identifier
    for (let i = 2; this.#names.has(free); i++) free = `${identifier}${i}`
    this.#names.add(free)
    return free
  }
}

const union = (types: readonly string[]): string => [...new Set(types)].join(' | ') || 'never'

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const key = (name: string): string => (/^(?:[A-Za-z_$][\w$]*|0|[1-9]\d*)$/.test(name) ? name : quote(name))
