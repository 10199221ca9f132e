import { readdirSync, readFileSync } from 'node:fs'
import { parseSync, type types } from '@babel/core'

/** The declarations of operations, by name: plain arguments, `...name` for all further ones, and last `{ a, b }` for named ones. */
export type Declared = Readonly<Record<string, string>>

const folder = 'runtime/tensor'

/** The operations' own declarations, read from their source. */
export function declaredOperations(): { methods: Declared; functions: Declared } {
  const methods: Record<string, string> = {}
  const functions: Record<string, string> = {}
  const families = new Set(/const families = \[([^\]]*)\]/.exec(source('ops/index.ts'))![1].match(/\w+/g))
  const exported = source('functions.ts')
  const files = readdirSync(`${folder}/ops`)
    .filter(name => name.endsWith('.ts'))
    .map(name => `ops/${name}`)
  for (const name of [...files, 'creation/creation.ts', 'creation/random.ts']) {
    const { program } = parseSync(source(name), {
      configFile: false,
      parserOpts: { plugins: ['typescript'] },
    }) as types.File
    const optionNames = optionsIn(program)
    for (const statement of program.body) {
      if (statement.type !== 'ExportNamedDeclaration') continue
      const { declaration } = statement
      if (declaration?.type === 'FunctionDeclaration') {
        const own = declaration.id!.name
        const isExported =
          !name.startsWith('ops/') || new RegExp(`\\{[^}]*\\b${own}\\b[^}]*\\} from './${name}'`).test(exported)
        if (isExported) functions[own] = describe(declaration.params, optionNames)
      }
      if (declaration?.type !== 'VariableDeclaration') continue
      for (const { id, init } of declaration.declarations) {
        if (id.type !== 'Identifier' || !families.has(id.name) || init?.type !== 'ObjectExpression') continue
        for (const method of init.properties) {
          if (method.type === 'SpreadElement') continue
          const key = (method.key as types.Identifier).name
          const { params } = method.type === 'ObjectMethod' ? method : functionIn(program, key)
          methods[key] = describe(params, optionNames)
        }
      }
    }
  }
  return { methods, functions }
}

const source = (name: string): string => readFileSync(`${folder}/${name}`, 'utf8')

function optionsIn(program: types.Program): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const statement of program.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (declaration?.type !== 'TSInterfaceDeclaration') continue
    found.set(declaration.id.name, declaration.body.body.flatMap(memberName))
  }
  return found
}

/** The implementation of an overloaded function. */
function functionIn(program: types.Program, name: string): types.FunctionDeclaration {
  const found = program.body.filter(
    statement => statement.type === 'FunctionDeclaration' && statement.id?.name === name,
  )
  return found.at(-1) as types.FunctionDeclaration
}

const memberName = (member: types.TSTypeElement): string[] =>
  member.type === 'TSPropertySignature' && member.key.type === 'Identifier' ? [member.key.name] : []

function describe(params: readonly types.Node[], interfaces: ReadonlyMap<string, string[]>): string {
  const parts: string[] = []
  for (const param of params) {
    const node = param.type === 'AssignmentPattern' ? param.left : param
    if (node.type === 'RestElement' && (node.argument as types.Identifier).name === 'surplus') continue
    if (node.type === 'RestElement') parts.push(`...${(node.argument as types.Identifier).name}`)
    if (node.type === 'RestElement' || (node.type === 'Identifier' && node.name === 'this')) continue
    const annotation = (node as types.Identifier).typeAnnotation as types.TSTypeAnnotation | undefined
    const options = annotation ? optionsOf(annotation.typeAnnotation, interfaces) : []
    if (options.length > 0) parts.push(`{ ${options.join(', ')} }`)
    else if (node.type === 'Identifier') parts.push(node.name)
  }
  return parts.join(', ')
}

function optionsOf(type: types.Node, interfaces: ReadonlyMap<string, string[]>): string[] {
  if (type.type === 'TSTypeLiteral') return type.members.flatMap(memberName)
  if (type.type === 'TSIntersectionType' || type.type === 'TSUnionType')
    return type.types.flatMap(part => optionsOf(part, interfaces))
  if (type.type !== 'TSTypeReference' || type.typeName.type !== 'Identifier') return []
  return interfaces.get(type.typeName.name) ?? []
}
