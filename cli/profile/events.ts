import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { type ModelProto, ModelProtoSchema } from '../../runtime/onnx/schema/onnx_pb.ts'
import { CommandError } from '../shared/errors.ts'
import { holderKey } from './places.ts'

/** What onnxruntime writes of a node that ran, or of the session. Times are whole microseconds. */
export interface ProfileEvent {
  readonly cat: string
  readonly name: string
  readonly ts: number
  readonly dur: number
  readonly args?: { readonly op_name?: string }
}

/** One session's profile, and the graph that it ran. */
export interface SessionProfile {
  readonly events: readonly ProfileEvent[]
  readonly optimised: ModelProto
}

/** Reads what a model that was loaded with `profileFolder` has left there. */
export async function readProfiles(folder: string): Promise<SessionProfile[]> {
  const profiles: SessionProfile[] = []
  for (const name of await readdir(folder)) {
    const [, session] = /^(session-\d+)_.*\.json$/.exec(name) ?? []
    if (session === undefined) continue
    profiles.push({
      events: JSON.parse(await readFile(join(folder, name), 'utf8')) as ProfileEvent[],
      optimised: fromBinary(ModelProtoSchema, await readFile(join(folder, `${session}.onnx`))),
    })
  }
  return profiles
}

/** A node that ran once. */
export interface NodeRun {
  readonly name: string
  readonly opType: string
  /** Without what ran inside it, in microseconds. */
  readonly selfUs: number
  /** The node of the graph itself, where this one lies in its body. */
  readonly outer: string
}

const SUFFIX = '_kernel_time'

/**
 * The nodes that ran in a session's runs, but for the first few.
 * @param holders keys of the nodes that have bodies: what runs meanwhile lies inside
 * @throws CommandError where onnxruntime did not keep all
 */
export function nodeRuns(
  { events }: SessionProfile,
  holders: ReadonlySet<string>,
  skipped: number,
  expected: number,
): NodeRun[] {
  const runs = events.filter(({ cat, name }) => cat === 'Session' && name === 'model_run').sort((a, b) => a.ts - b.ts)
  if (runs.length === 0) return []
  if (runs.length < expected)
    throw new CommandError(
      'The profile is not whole: onnxruntime keeps a million events of a session.',
      'profile fewer runs: --runs 1',
    )
  const from = runs[skipped].ts
  const nodes = events
    .filter(({ cat, name, ts }) => cat === 'Node' && name.endsWith(SUFFIX) && ts >= from)
    .sort((a, b) => a.ts - b.ts || b.dur - a.dur)
  return withoutInner(nodes, holders)
}

function withoutInner(nodes: readonly ProfileEvent[], holders: ReadonlySet<string>): NodeRun[] {
  const found: { name: string; opType: string; selfUs: number; outer: string }[] = []
  /** Those with bodies that are running, the innermost last. */
  const open: { readonly end: number; readonly run: (typeof found)[number] }[] = []
  for (const { name: event, ts, dur, args } of nodes) {
    while (open.length > 0 && ts >= open[open.length - 1].end) open.pop()
    const name = event.slice(0, -SUFFIX.length)
    const holder = open.at(-1)
    const run = { name, opType: args?.op_name ?? '', selfUs: dur, outer: open[0]?.run.outer ?? name }
    if (holder) holder.run.selfUs -= dur
    found.push(run)
    if (holders.has(holderKey(name, run.opType)) || holders.has(holderKey('', run.opType)))
      open.push({ end: ts + dur, run })
  }
  return found
}
