import type { Context, NodePath, types } from './babel.ts'

/**
 * Updates the path by which Babel knows the variable at this place, as the old path leads to a node that was replaced. `scope.crawl()` does
 * so for all variables of a block, but takes as long as all other work on the block.
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
  // If only the variable was replaced, its old path leads to the call around it.
  const at = paths?.findIndex(known => known.node === node || known === path.parentPath) ?? -1
  if (paths && at >= 0) paths[at] = path
}

/** Notes that the functions around this place are rewritten in ways that noteMoved() can't follow, so that Babel must crawl them again. */
export function needsCrawl(path: NodePath, { crawled }: Context): void {
  for (let at: NodePath | null = path; at; at = at.parentPath) if (at.isFunction()) crawled.add(at.node)
}

/** Declares the parameters that were added to a block's function: the context, and the copies of outer variables. */
export function declareParameters(fn: NodePath<types.Function>, context: string, copies: readonly string[]): void {
  const { scope } = fn
  const declare = (name: string, i: number) => {
    scope.registerBinding('param', fn.get(`params.${i}`) as NodePath)
    return scope.getOwnBinding(name)
  }
  const isWithin = (path: NodePath): boolean => path.findParent(({ node }) => node === fn.node) !== null
  // The context's uses get no paths: creating one for each call costs more than any plugin gains from them.
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
