import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { typescript as ts } from 'typedoc-with-typescript'

type Symbol = import('typedoc-with-typescript').typescript.Symbol
type Node = import('typedoc-with-typescript').typescript.Node
type Declaration = import('typedoc-with-typescript').typescript.Declaration

/** One declaration of an export of the package, or of a type that an export refers to. */
export interface Declared {
  readonly name: string
  readonly text: string
  /** Docstrings of the declaration and its members. */
  readonly docs: readonly string[]
}

export interface Surface {
  /** The exports of each subpath of the package. */
  readonly exports: ReadonlyMap<string, readonly string[]>
  readonly declared: readonly Declared[]
  /** The names of the members of an exported type. */
  membersOf(name: string): string[]
}

interface Package {
  readonly exports: Readonly<Record<string, Target>>
}
type Target = string | { readonly types?: string; readonly browser?: Target }

/** The declarations of each subpath that has types. */
function entries(): Map<string, string> {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as Package
  const found = new Map<string, string>()
  for (const [subpath, target] of Object.entries(exports)) {
    const types = typeof target === 'string' ? undefined : target.types
    if (types) found.set(subpath, resolve(types))
  }
  return found
}

/** Reads the built declarations: the package's exports, and all types that they refer to. */
export function readSurface(): Surface {
  const files = entries()
  const program = ts.createProgram([...new Set(files.values())], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
    types: ['node'],
    skipLibCheck: true,
    strict: true,
  })
  const checker = program.getTypeChecker()
  const own = (declaration: Node): boolean => {
    const { fileName } = declaration.getSourceFile()
    return fileName.startsWith(resolve('dist')) || fileName === resolve('trace.macro.d.ts')
  }
  const followed = (symbol: Symbol): Symbol =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol

  const exports = new Map<string, string[]>()
  const reached = new Set<Symbol>()
  for (const [subpath, file] of files) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)
    const symbols = module ? checker.getExportsOfModule(module) : []
    exports.set(subpath, symbols.map(({ name }) => name).sort())
    // Functions that expanded macros call are only listed by name, because only the macro of the same version uses them.
    if (subpath !== './internal') for (const symbol of symbols) reached.add(followed(symbol))
  }

  const printer = ts.createPrinter({ removeComments: true })
  const declared: Declared[] = []
  // The set grows while it is walked.
  for (const symbol of reached) {
    const declarations = (symbol.declarations ?? []).filter(own).map(wholeStatement)
    if (declarations.length === 0) continue
    const docs: string[] = []
    for (const declaration of declarations) visit(declaration, docs)
    declared.push({ name: symbol.name, text: declarations.map(print).join('\n'), docs })
  }

  function visit(node: Node, docs: string[]): void {
    if (isPrivate(node)) return
    for (const comment of ts.getJSDocCommentsAndTags(node)) docs.push(comment.getText())
    if (ts.isIdentifier(node) || ts.isImportTypeNode(node)) {
      const symbol = checker.getSymbolAtLocation(ts.isImportTypeNode(node) ? (node.qualifier ?? node.argument) : node)
      if (symbol) {
        const target = followed(symbol)
        const isStatement = target.declarations?.some(
          declaration => own(declaration) && ts.isSourceFile(wholeStatement(declaration).parent ?? declaration),
        )
        if (isStatement && target.declarations?.every(declaration => !ts.isSourceFile(declaration))) reached.add(target)
      }
    }
    ts.forEachChild(node, child => visit(child, docs))
  }

  function print(node: Node): string {
    const { transformed } = ts.transform(node, [
      context => root => {
        const drop = (inner: Node): Node | undefined =>
          isPrivate(inner) ? undefined : ts.visitEachChild(inner, drop as never, context)
        return ts.visitEachChild(root, drop as never, context)
      },
    ])
    return printer.printNode(ts.EmitHint.Unspecified, transformed[0], node.getSourceFile())
  }

  return {
    exports,
    declared: declared.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.text < b.text ? -1 : 1)),
    membersOf(name) {
      const symbol = [...reached].find(one => one.name === name)
      if (!symbol) throw new Error(`The package exports nothing that leads to ${name}.`)
      return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).map(property => property.name)
    },
  }
}

const isPrivate = (node: Node): boolean =>
  ts.isClassElement(node) &&
  ((node.name !== undefined && ts.isPrivateIdentifier(node.name)) ||
    (ts.getCombinedModifierFlags(node as Declaration) & ts.ModifierFlags.Private) !== 0)

/** The whole statement of a declaration such as `declare const a: …`, of which the compiler only gives the inner part. */
function wholeStatement(declaration: Node): Node {
  let node = declaration
  while (ts.isVariableDeclaration(node) || ts.isVariableDeclarationList(node)) node = node.parent
  return node
}

/** The surface as text, to be compared. */
export function reportOf({ exports, declared }: Surface): string {
  const lists = [...exports].map(([subpath, names]) => `## ${subpath}\n\n${names.join('\n')}\n`)
  const texts = declared.map(({ text }) => text.replaceAll('\r', ''))
  return `${HEAD}\n${lists.join('\n')}\n## Declarations\n\n\`\`\`ts\n${texts.join('\n\n')}\n\`\`\`\n`
}

const HEAD = `# What the package exports

This file is made by \`npm run surface\` from the built declarations, and a test compares the two. It lists what each subpath
exports, and then each declaration that an export is or leads to. A change here is a change for users.
`
