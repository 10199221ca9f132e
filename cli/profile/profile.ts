import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoadOptions, load, type Model } from '../../runtime/index.ts'
import type { ModuleTree } from '../../runtime/names/tree.ts'
import { type HasTraceable, traceable } from '../../runtime/tracing/traceable.ts'
import type { CompletedInputs, Filling } from '../inputs/generate.ts'
import { nodeRuns, readProfiles } from './events.ts'
import { ModuleLookup } from './module-lookup.ts'

/** The JSON that `onnsight profile --json` prints; docs/command-line.md describes it. Times are averages over the runs, in milliseconds. */
export interface Profile {
  readonly version: 1
  readonly file: string
  readonly provider: string
  readonly runs: number
  readonly inputs: readonly ProfiledInput[]
  /** How long this process waited for each run. */
  readonly wallMs: readonly number[]
  /** The time in all nodes together. */
  readonly totalMs: number
  /** Parents come first. A module's `totalMs` includes all modules below it; the sum of all `ownMs` is the profile's `totalMs`. */
  readonly modules: readonly (Timed & { readonly path: string; readonly className?: string; readonly ownMs: number })[]
  /** Sorted by time, the longest first. */
  readonly operations: readonly (Timed & { readonly operation: string })[]
  /** The nodes of onnxruntime's optimised graphs, sorted by time, the longest first. */
  readonly nodes: readonly (Timed & { readonly name: string; readonly operation: string; readonly module: string })[]
}

export interface Timed {
  readonly totalMs: number
  /** The share of the time in all nodes. */
  readonly percent: number
  /** How many nodes ran in one run, on average. */
  readonly calls: number
}

export interface ProfiledInput {
  readonly name: string
  readonly type: string
  readonly dims: readonly number[]
  /** The values with which the input was generated, if the user did not pass it. */
  readonly made?: Filling
}

export interface ProfileRequest {
  readonly path: string
  readonly options: LoadOptions
  readonly runs: number
  readonly inputsOf: (model: Model) => Promise<CompletedInputs>
}

/** How many runs are not measured: the first run allocates memory and reads the weights. */
const WARM_UP = 1

/** Runs a model as it is and measures the time of its modules, operations and nodes. */
export async function profileModel({ path, options, runs, inputsOf }: ProfileRequest): Promise<Profile> {
  const folder = await mkdtemp(join(tmpdir(), 'onnsight-profile-'))
  try {
    // No results are kept, because a kept result would be returned without a run.
    const model = await load(path, { ...options, profileFolder: folder, reuseBytes: 0 })
    const wallMs: number[] = []
    let completed: CompletedInputs
    let tree: ModuleTree
    try {
      completed = await inputsOf(model)
      for (let i = 0; i < WARM_UP + runs; i++) {
        const start = performance.now()
        await model.run(completed.inputs)
        if (i >= WARM_UP) wallMs.push(performance.now() - start)
      }
      const source = (model as unknown as HasTraceable)[traceable]()
      const variant = await source.variant(source.prepare(completed.inputs))
      tree = variant.engine.program.tree
    } finally {
      await model.release()
    }
    const tally = new Tally(runs)
    for (const profile of await readProfiles(folder)) {
      const modules = new ModuleLookup(tree, profile.optimised)
      for (const { name, opType, selfUs, outer } of nodeRuns(
        profile,
        modules.nodesWithBodies,
        WARM_UP,
        WARM_UP + runs,
      )) {
        tally.add(name, opType, modules.moduleOf(outer, outer === name ? opType : ''), selfUs)
      }
    }
    const inputs = Object.entries(completed.inputs).map(([name, { type, dims }]): ProfiledInput => {
      const filling = completed.generated.get(name)
      return { name, type, dims: dims as number[], ...(filling ? { made: filling } : {}) }
    })
    const provider = options.provider ?? 'cpu'
    return { version: 1, file: path, provider, runs, inputs, wallMs, ...tally.report(tree) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Sum {
  us: number
  calls: number
}

/** Adds up times by node. It counts whole microseconds, so that sums are exact. */
class Tally {
  readonly #runs: number
  readonly #nodes = new Map<
    string,
    Sum & { readonly name: string; readonly operation: string; readonly module: string }
  >()

  constructor(runs: number) {
    this.#runs = runs
  }

  add(name: string, operation: string, module: string, us: number): void {
    const key = `${module}\u0000${name}\u0000${operation}`
    let node = this.#nodes.get(key)
    if (!node) {
      node = { name, operation, module, us: 0, calls: 0 }
      this.#nodes.set(key, node)
    }
    node.us += us
    node.calls++
  }

  report(tree: ModuleTree): Pick<Profile, 'totalMs' | 'modules' | 'operations' | 'nodes'> {
    const nodes = [...this.#nodes.values()]
    const total = nodes.reduce((sum, { us }) => sum + us, 0)
    const timed = ({ us, calls }: Sum): Timed => ({
      totalMs: us / 1000 / this.#runs,
      percent: total > 0 ? (100 * us) / total : 0,
      calls: calls / this.#runs,
    })
    const operations = new Map<string, Sum>()
    const own = new Map<string, Sum>()
    const inclusive = new Map<string, Sum>()
    for (const node of nodes) {
      count(operations, node.operation, node)
      count(own, node.module, node)
      for (let module = tree.get(node.module); module; module = module.parent) count(inclusive, module.path, node)
    }
    const none = { us: 0, calls: 0 }
    return {
      totalMs: total / 1000 / this.#runs,
      modules: tree.modules.map(({ path, className }) => ({
        path,
        ...(className ? { className } : {}),
        ...timed(inclusive.get(path) ?? none),
        ownMs: (own.get(path) ?? none).us / 1000 / this.#runs,
      })),
      operations: [...operations]
        .sort(([, a], [, b]) => b.us - a.us)
        .map(([operation, sum]) => ({ operation, ...timed(sum) })),
      nodes: nodes
        .sort((a, b) => b.us - a.us)
        .map(node => ({ name: node.name, operation: node.operation, module: node.module, ...timed(node) })),
    }
  }
}

function count(sums: Map<string, Sum>, key: string, { us, calls }: Sum): void {
  const sum = sums.get(key)
  if (sum) {
    sum.us += us
    sum.calls += calls
  } else sums.set(key, { us, calls })
}
