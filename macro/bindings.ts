import type { Context, NodePath, types } from './babel.ts'

/**
 * Tells the variable that stands here where it stands now: the path that Babel knows it by leads to a node that was replaced. Looking through
 * the whole block once more (`scope.crawl()`) does so for all variables, and takes as long as all other work on the block.
 */
export function noteMoved(path: NodePath, context: Context): void {
  const { node, scope } = path
  if (node.type !== 'Identifier') {
    if (
      /^(Assignment|Update|Function|ArrowFunction|Class|Await|Yield|Conditional|Logical|Sequence)Expression$/.test(
        node.type,
      )
    )
      needsCrawl(path, context)
    return
  }
  const paths = scope.getBinding(node.name)?.referencePaths
  // Where the variable alone was replaced, its old path leads to the call around it.
  const at = paths?.findIndex(known => known.node === node || known === path.parentPath) ?? -1
  if (paths && at >= 0) paths[at] = path
}

/** The blocks around this place are rewritten in more ways than noteMoved() can follow. */
export function needsCrawl(path: NodePath, { crawled }: Context): void {
  for (let at: NodePath | null = path; at; at = at.parentPath) if (at.isFunction()) crawled.add(at.node)
}

/** Declares what a block's function got as its first parameters: the context, and the copies of outer variables. */
export function declareParameters(fn: NodePath<types.Function>, context: string, copies: readonly string[]): void {
  const { scope } = fn
  const declare = (name: string, i: number) => {
    scope.registerBinding('param', fn.get(`params.${i}`) as NodePath)
    return scope.getOwnBinding(name)
  }
  const isWithin = (path: NodePath): boolean => path.findParent(({ node }) => node === fn.node) !== null
  // A path for each call of it would cost more than all of them tell.
  const own = declare(context, 0)
  if (own) own.referenced = true
  for (const [i, name] of copies.entries()) {
    const outer = scope.parent.getBinding(name)
    const copy = declare(name, i + 1)
    if (!outer || !copy) continue
    for (const path of outer.referencePaths.filter(isWithin)) copy.reference(path)
    for (const path of outer.constantViolations.filter(isWithin)) copy.reassign(path)
    outer.referencePaths = outer.referencePaths.filter(path => !isWithin(path))
    outer.constantViolations = outer.constantViolations.filter(path => !isWithin(path))
  }
}
