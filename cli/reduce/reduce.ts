import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load, type Model, type Tensor } from '../../runtime/index.ts'
import { readModel } from '../../runtime/onnx/reading/read.ts'
import type { ModelProto, NodeProto } from '../../runtime/onnx/schema/onnx_pb.ts'
import { fitsInFile } from '../../runtime/onnx/writing/fits-in-file.ts'
import { writeModel } from '../../runtime/onnx/writing/write.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { CommandError } from '../shared/errors.ts'
import { isBroken } from './broken.ts'
import { capture } from './capture.ts'
import type { Check, PartFiles } from './checks.ts'
import { ddmin } from './ddmin.ts'
import { inputsJson } from './inputs-file.ts'
import { partOf, removable } from './subgraph.ts'

/** What `reduce` works on. */
export interface Reduction {
  readonly path: string
  readonly inputsOf: (model: Model) => Promise<Readonly<Record<string, Tensor>>>
  readonly check: Check
  readonly maxTries: number
  readonly limitMs: number
  /** Called after each try with the number of nodes of the smallest part so far. */
  readonly onTry: (tries: number, nodes: number) => void
  /** Writes the smallest part that fails. */
  readonly write: (files: PartFiles) => Promise<void>
  readonly signal: AbortSignal
}

export interface Reduced {
  readonly before: number
  readonly after: number
  readonly tries: number
  readonly operators: readonly string[]
  /** Why it ended before no single node could be left out; undefined if it did not. */
  readonly ended: 'interrupted' | 'limit' | undefined
}

/** Finds the smallest part of a model that still fails, and writes it. The user's own files are only read. @throws CommandError */
export async function reduce(reduction: Reduction): Promise<Reduced> {
  const { path, check, maxTries, limitMs, onTry, signal } = reduction
  const folder = await mkdtemp(join(tmpdir(), 'onnsight-reduce-'))
  try {
    const file = await readModel(path)
    const write = async (message: ModelProto, name: string): Promise<string> => {
      const target = join(folder, name)
      // The weights of a larger part, tried before, are no part of this one.
      await rm(`${target}.data`, { force: true })
      await writeModel({ ...file, message }, target, {
        weights: fitsInFile(message, 'embedded') ? 'embedded' : 'external',
      })
      return target
    }
    const values = await valuesOf(reduction, file, message => write(message, 'all.onnx'))
    const nodes = removable(file.message)
    const own = new Set(file.message.graph!.input.map(({ name }) => name))
    const broken = new Set([...values].flatMap(([name, value]) => (!own.has(name) && isBroken(value) ? name : [])))
    const filesOf = async (kept: readonly NodeProto[]): Promise<PartFiles | undefined> => {
      const part = partOf(file.message, kept, values)
      // A part that is given what the fault has made would fail by its inputs alone.
      if (!part || [...part.inputs.keys()].some(name => broken.has(name))) return undefined
      const inputs = join(folder, 'inputs.json')
      await writeFile(inputs, inputsJson(part.inputs))
      const outputs = part.message.graph!.output.map(({ name }) => name)
      return { model: await write(part.message, 'model.onnx'), inputs, values: part.inputs, outputs }
    }
    const until = Date.now() + limitMs
    let [tries, smallest] = [0, nodes as readonly NodeProto[]]
    let what = 'no output of it can be read'
    const fails = async (kept: readonly NodeProto[]): Promise<boolean> => {
      const files = await filesOf(kept)
      if (!files) return false
      tries++
      const outcome = await check(files)
      what = outcome.what
      const { isFailing } = outcome
      if (isFailing && kept.length < smallest.length) smallest = kept
      onTry(tries, smallest.length)
      return isFailing
    }
    const isOver = (): boolean => signal.aborted || tries >= maxTries || Date.now() > until
    if (!(await fails(nodes)))
      throw new CommandError(
        `The whole model does not fail, so there is nothing to reduce: ${what}.`,
        'check the command or the bound: it must fail with the model and the inputs that you pass',
      )
    await ddmin(nodes, fails, isOver)
    await reduction.write((await filesOf(smallest))!)
    return {
      before: nodes.length,
      after: smallest.length,
      tries,
      operators: smallest.map(({ opType }) => opType),
      ended: signal.aborted ? 'interrupted' : isOver() ? 'limit' : undefined,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function valuesOf(
  { path, inputsOf }: Reduction,
  file: Awaited<ReturnType<typeof readModel>>,
  write: (message: ModelProto) => Promise<string>,
): Promise<ReadonlyMap<string, TensorData>> {
  const model = await load(path)
  try {
    return await capture(model, file, await inputsOf(model), write)
  } finally {
    await model.release()
  }
}
