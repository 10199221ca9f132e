import { join } from 'node:path'
import {
  invoke,
  type LoadOptions,
  load,
  type Model,
  type OnnsightError,
  save,
  type Tensor,
  type TraceOptions,
  WorkerBackend,
} from 'onnsight'
import * as ort from 'onnxruntime-node'
import { perform } from './perform.ts'
import type { Program, Prompt, Statement } from './program.ts'

/** One model, opened in several ways. */
export interface Opened {
  readonly path: string
  readonly usual: Model
  readonly others: Readonly<Record<string, Model>>
  readonly backend: WorkerBackend
  /** The folder for saved models. */
  readonly folder: string
}

const openings: Readonly<Record<string, LoadOptions>> = {
  'nothing reused': { reuseBytes: 0 },
  'one block': { blocks: 1 },
  'three blocks': { blocks: 3 },
  'each of seven blocks a session': { blocks: 7, groupBytes: 0 },
  'each of thirty blocks a session, few kept': {
    blocks: 30,
    groupBytes: 0,
    sessionBytes: 2 ** 20,
    reuseBytes: 2 ** 12,
  },
}

export async function open(path: string, folder: string, names = Object.keys(openings)): Promise<Opened> {
  const others: Record<string, Model> = {}
  for (const name of names) others[name] = await load(path, openings[name])
  return { path, folder, usual: await load(path), others, backend: new WorkerBackend() }
}

export async function release({ usual, others, backend }: Opened): Promise<void> {
  backend.release()
  for (const model of [usual, ...Object.values(others)]) await model.release()
}

/** The wanted values of each prompt. */
export type Results = readonly (readonly Tensor[])[]
type Values = Map<number, Tensor>
/** Called after each statement of a block. It may ask for some of the values. */
type Forcing = (statement: number, values: Values) => Promise<unknown> | undefined

export function edited(model: Model, { edits }: Program): Model {
  return edits.reduce(
    (base, statements) =>
      base.edit(m => {
        const values: Values = new Map()
        for (const statement of statements) perform(m, statement, values)
      }),
    model,
  )
}

function block(
  m: Model,
  statements: readonly Statement[],
  { wanted }: Prompt,
  values: Values,
  isRead = false,
): Tensor[] {
  for (const statement of statements) perform(m, statement, values)
  // Prompts that run in other passes may read these values.
  if (isRead) for (const value of values.values()) save(value)
  return wanted.map(value => values.get(value)!)
}

/** Runs all prompts in one trace. `before` are statements that each of them begins with. */
async function together(
  model: Model,
  { prompts }: Program,
  before: readonly Statement[] = [],
  forcing?: Forcing,
  options: TraceOptions = {},
): Promise<Results> {
  const values: Values = new Map()
  const run = async (m: Model, prompt: Prompt): Promise<Tensor[]> => {
    if (!forcing) return block(m, [...before, ...prompt.statements], prompt, values, prompts.length > 1)
    for (const [i, statement] of prompt.statements.entries()) {
      perform(m, statement, values)
      await forcing(i, values)
    }
    return prompt.wanted.map(value => values.get(value)!)
  }
  if (prompts.length === 1)
    return [await model.trace({ input_ids: prompts[0].ids as number[][] }, options, m => run(m, prompts[0]))]
  return (await model.trace(null, options, m =>
    prompts.map(prompt => invoke({ input_ids: prompt.ids as number[][] }, () => run(m, prompt))),
  )) as unknown as Results
}

/** Whether all values that were made up to a statement may be asked for there: no place before them is written later. */
export function isPassable({ depths, places }: Program, statements: readonly Statement[], after: number): boolean {
  const seen = statements.slice(0, after + 1).flatMap(each => ('to' in each ? [depths.get(each.to)!] : []))
  return statements.slice(after + 1).every(each => {
    const place =
      each.kind === 'skip' ? `${each.module}.output` : 'place' in each && each.kind !== 'read' ? each.place : ''
    return place === '' || seen.every(depth => places.indexOf(place) >= depth)
  })
}

export const ways: Readonly<
  Record<string, (opened: Opened, program: Program, pick: number) => Promise<Results | undefined>>
> = {
  'in one trace of the edited model': ({ usual }, program) => together(edited(usual, program), program),
  'the edits written into the trace': ({ usual }, program) => together(usual, program, program.edits.flat()),
  'forced apart': ({ usual }, program, pick) => {
    if (program.prompts.length > 1) return Promise.resolve(undefined)
    const { statements } = program.prompts[0]
    return together(edited(usual, program), program, [], (i, values) => {
      const { to } = statements[i] as { to?: number }
      if (to === undefined || ((pick >> (i % 12)) & 1) === 0 || !isPassable(program, statements, i)) return undefined
      return values.get(to)!.value()
    })
  },
  // A write to a place that an earlier value went through is refused.
  'forced apart anywhere': async ({ usual }, program, pick) => {
    if (program.prompts.length > 1) return undefined
    try {
      return await together(edited(usual, program), program, [], (i, values) =>
        ((pick * 7919) >> (i % 13)) & 1 ? [...values.values()].at(-1)?.value() : undefined,
      )
    } catch (error) {
      if ((error as OnnsightError).code === 'out-of-order') return undefined
      throw error
    }
  },
  'in a trace of something else': ({ usual }, program) =>
    usual.trace([[1, 2, 3]], async m => {
      m.transformer.h[0].output = 0
      return together(edited(usual, program), program)
    }),
  'in a process of its own': ({ usual, backend }, program) =>
    together(edited(usual, program), program, [], undefined, { backend }),
  'through JSON': async ({ usual }, program) => {
    if (program.prompts.length > 1) return undefined
    const [prompt] = program.prompts
    const graph = await edited(usual, program).record({ input_ids: prompt.ids as number[][] }, m =>
      block(m, prompt.statements, prompt, new Map()),
    )
    return [(await usual.runGraph(JSON.parse(JSON.stringify(graph)))) as Tensor[]]
  },
  'as a session of a trace for each prompt': ({ usual }, program) =>
    edited(usual, program).session(async m => {
      const values: Values = new Map()
      const results: Tensor[][] = []
      for (const prompt of program.prompts)
        results.push(
          await m.trace({ input_ids: prompt.ids as number[][] }, inner => {
            return block(inner, prompt.statements, prompt, values, true)
          }),
        )
      return results
    }),
  'as a session that goes on with what was computed': ({ usual }, program, pick) => {
    const [prompt] = program.prompts
    const { statements } = prompt
    const after = pick % statements.length
    if (program.prompts.length > 1 || !isPassable(program, statements, after)) return Promise.resolve(undefined)
    return edited(usual, program).session(async m => {
      const values: Values = new Map()
      const inputs = { input_ids: prompt.ids as number[][] }
      await m.trace(inputs, inner => {
        for (const statement of statements.slice(0, after + 1)) perform(inner, statement, values)
        for (const value of values.values()) save(value)
      })
      return [
        await m.trace(inputs, inner => {
          for (const [i, statement] of statements.entries())
            if (i > after || !('to' in statement)) perform(inner, statement, values)
          return prompt.wanted.map(value => values.get(value)!)
        }),
      ]
    })
  },
  'cut and kept otherwise': async ({ others }, program, pick) => {
    const list = Object.values(others)
    return together(edited(list[pick % list.length], program), program)
  },
}

/** The same statements on other inputs and with other numbers, for which a cached plan of the program must be right too. */
export function changed(program: Program, lengths: readonly number[]): Program | undefined {
  if (program.prompts.length > 1) return undefined
  const number = <S extends Statement>(statement: S): S =>
    'value' in statement && typeof statement.value === 'number'
      ? { ...statement, value: 0.25 - statement.value }
      : statement
  const [batch, length] = lengths
  const [prompt] = program.prompts
  const ids = Array.from({ length: batch }, (_, row) =>
    Array.from({ length }, (_, i) => (11 * row + 3 * i * i + 1) % 60),
  )
  return {
    ...program,
    edits: program.edits.map(statements => statements.map(number)),
    prompts: [{ ...prompt, ids, statements: prompt.statements.map(number) }],
  }
}

let files = 0

/** A program that only reads the model's output, after the same edits. */
export const onlyEdits = (program: Program, ids: readonly (readonly number[])[]): Program => ({
  ...program,
  prompts: [{ ids, statements: [{ kind: 'read', place: 'output', to: -1 }], wanted: [-1] }],
})

/** Saves the edited model to a file, and runs that by onnxruntime alone. */
export async function saveEdited(
  { usual, folder }: Opened,
  program: Program,
): Promise<{
  path: string
  run: (ids: readonly (readonly number[])[]) => Promise<ort.Tensor>
  end: () => Promise<void>
}> {
  const path = join(folder, `${files++}.onnx`)
  await edited(usual, program).save(path)
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4 })
  return {
    path,
    run: async ids => {
      const dims = [ids.length, ids[0].length]
      const feeds = { input_ids: new ort.Tensor('int64', BigInt64Array.from(ids.flat(), BigInt), dims) }
      return (await session.run(feeds)).logits
    },
    end: () => session.release(),
  }
}
