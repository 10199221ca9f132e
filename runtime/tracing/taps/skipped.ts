import type { Program } from '../../engine/blocks/program.ts'
import { SkippedError } from '../../errors/trace.ts'
import type { Mark, Tap } from '../../graph/expression.ts'
import type { ModuleNode } from '../../names/tree.ts'

interface Skip {
  readonly module: ModuleNode
  /** The outputs, whose replacements can be read and written. */
  readonly outputs: ReadonlySet<Tap>
  readonly mark: Mark | undefined
}

/** The modules that a trace skips. */
export class Skipped {
  readonly #skips: Skip[] = []

  add(module: ModuleNode, outputs: readonly Tap[], mark: Mark | undefined): void {
    this.#skips.push({ module, outputs: new Set(outputs), mark })
  }

  /** Checks that a tap can be used. @throws SkippedError for a tap inside a module that is not computed */
  assertThere(tap: Tap, use: 'read' | 'write', program: Program): void {
    for (const { module, outputs, mark } of this.#skips) {
      // The input of a skipped module can still be read, but nothing would read what is written there.
      const isThere = outputs.has(tap) || (use === 'read' && tap.direction === 'in' && tap.scope === module.path)
      if (!isThere && isInside(tap, module, program)) throw new SkippedError(tap.label, module.path, mark)
    }
  }
}

/** Whether a tap is at the module's boundary or inside it. */
export function isInside(tap: Tap, module: ModuleNode, { taps, graph }: Program): boolean {
  const { scope } = tap
  const path = scope.startsWith('node:') ? taps.tree.scopeOf(graph.nodes[Number(scope.slice(5))]).path : scope
  return path === module.path || path.startsWith(`${module.path}.`)
}
