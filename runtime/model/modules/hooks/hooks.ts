import type { Engine } from '../../../engine/engine.ts'
import { NoHookError } from '../../../errors/names.ts'
import { nearestNames } from '../../../errors/nearest-names.ts'
import type { Tap } from '../../../graph/expression.ts'
import { HookTable, type HookTarget } from '../../../names/hooks/hook-table.ts'
import { shareAxes } from '../../../tensor/axes.ts'
import { dimsOf, type Tensor } from '../../../tensor/tensor.ts'
import { readActivation, writeActivation } from '../activation.ts'
import type { Binding } from '../binding.ts'
import { attentionsOf } from '../heads/attention-of.ts'
import { HeadAccess } from '../heads/head-access.ts'
import { placeHandle } from '../heads/place-values.ts'
import { readNorm, writeNorm } from './fused-norm.ts'

const known = new WeakMap<Engine['program'], HookTable>()

/** The hooks of the branches that the current trace's inputs chose. */
export function hookTable(binding: Binding): HookTable {
  const { program } = binding.engine
  let table = known.get(program)
  if (!table) {
    table = new HookTable(program.taps, attentionsOf(binding))
    known.set(program, table)
  }
  return table
}

/** What a hook's name stands for. @throws NoHookError, which says why the model does not have the hook */
export function hookTarget(binding: Binding, name: string): HookTarget {
  const table = hookTable(binding)
  const target = table.find(name)
  if (target.kind !== 'none') return target
  throw new NoHookError(name, target.reason, nearestNames(name, table.names))
}

export function readHook(binding: Binding, name: string): Tensor {
  const target = hookTarget(binding, name)
  if (target.kind === 'heads') return headsAt(binding, name, target).read(target.part)
  const read = (): Tensor => apart(binding, stored(binding, name, target), target.stream)
  const write = (value: unknown): void => writeHook(binding, name, value)
  if (target.kind === 'norm' || !target.isPositions) return placeHandle(binding, name, { read, write })
  // The value has one row of the table for each position. TransformerLens repeats these for each prompt.
  const batch = readHook(binding, 'hook_embed').dims[0]
  return placeHandle(binding, name, {
    read: () => {
      const rows = read()
      const all = rows.dims.length === 2 ? rows.unsqueeze(0) : rows
      return batch === undefined || all.dims[0] === batch ? all : all.expand(batch, -1, -1)
    },
    write,
  })
}

export function writeHook(binding: Binding, name: string, value: unknown): void {
  const target = hookTarget(binding, name)
  if (target.kind === 'heads') {
    headsAt(binding, name, target).write(target.part, value)
    return
  }
  binding.tracer(name).oneCall(() => {
    const whole = together(binding, name, target, value)
    if (target.kind === 'norm') writeNorm(binding, name, target, whole)
    else for (const tap of target.taps) writeActivation(binding, tap, whole as never)
  })
}

/** A target whose values are stored in the graph, or computed beside it. */
type Stored = Exclude<HookTarget, { kind: 'heads' }>

/** The value as the graph has it. */
function stored(binding: Binding, name: string, target: Stored): Tensor {
  return target.kind === 'norm' ? readNorm(binding, name, target) : readActivation(binding, target.taps[0])
}

/** The value with batch and token as two axes, as the layer's stream has them. */
function apart(binding: Binding, value: Tensor, tap: Tap | undefined): Tensor {
  const stream = tap && dimsOf(value)?.length === 2 ? readActivation(binding, tap) : undefined
  const [batch, tokens] = (stream && dimsOf(stream)) ?? []
  if (!stream || (batch === undefined && tokens === undefined)) return value
  const found = value.unflatten(0, tokens === undefined ? [batch as number, -1] : [-1, tokens])
  shareAxes(stream, found)
  return found
}

/** What is written to a value, with batch and token in one axis if the graph has them so. */
function together(binding: Binding, name: string, target: Stored, written: unknown): unknown {
  if (!target.stream) return written
  const now = stored(binding, name, target)
  const whole = apart(binding, now, target.stream)
  return whole === now ? written : whole.assign('...', written as never).flatten(0, 1)
}

function headsAt(binding: Binding, name: string, target: HookTarget & { kind: 'heads' }): HeadAccess {
  return new HeadAccess(
    binding,
    () => target.attention,
    () => name,
  )
}
