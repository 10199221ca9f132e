import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { type ModelProto, ModelProtoSchema } from '../../runtime/onnx/schema/onnx_pb.ts'
import { CommandError } from '../shared/errors.ts'
import { bodyKey } from './module-lookup.ts'

/** An event in onnxruntime's profile: a node that ran, or a step of the session. Times are whole microseconds. */
export interface ProfileEvent {
  readonly cat: string
  readonly name: string
  readonly ts: number
  readonly dur: number
  readonly args?: { readonly op_name?: string }
}

/** One session's profile, with the optimised graph that the session ran. */
export interface SessionProfile {
  readonly events: readonly ProfileEvent[]
  readonly optimised: ModelProto
}

/** Reads the profiles that a model wrote to its `profileFolder`. */
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

/** One run of a node. */
export interface NodeRun {
  readonly name: string
  readonly opType: string
  /** The node's time in microseconds, without the nodes that ran inside its body. */
  readonly selfUs: number
  /** The outermost node in whose body the node ran; the node itself if it ran in no body. */
  readonly outer: string
}

const SUFFIX = '_kernel_time'

/**
 * Lists the nodes that ran in a session's runs, without the first few runs.
 * @param nodesWithBodies keys of the nodes that have bodies, such as Loop: nodes that run during such a node belong to its body
 * @param skipped how many runs are left out
 * @param expected how many runs there were
 * @throws CommandError if onnxruntime did not keep all events
 */
export function nodeRuns(
  { events }: SessionProfile,
  nodesWithBodies: ReadonlySet<string>,
  skipped: number,
  expected: number,
): NodeRun[] {
  const runs = events.filter(({ cat, name }) => cat === 'Session' && name === 'model_run').sort((a, b) => a.ts - b.ts)
  if (runs.length === 0) return []
  if (runs.length < expected)
    throw new CommandError(
      'The profile is incomplete: onnxruntime keeps only a million events of a session.',
      'profile fewer runs: --runs 1',
    )
  const from = runs[skipped].ts
  const nodes = events
    .filter(({ cat, name, ts }) => cat === 'Node' && name.endsWith(SUFFIX) && ts >= from)
    .sort((a, b) => a.ts - b.ts || b.dur - a.dur)
  return subtractBodies(nodes, nodesWithBodies)
}

/** Subtracts from each node with a body the time of the nodes that ran inside it. */
function subtractBodies(nodes: readonly ProfileEvent[], nodesWithBodies: ReadonlySet<string>): NodeRun[] {
  const found: { name: string; opType: string; selfUs: number; outer: string }[] = []
  /** The nodes with bodies that are running at this time, the innermost last. */
  const open: { readonly end: number; readonly run: (typeof found)[number] }[] = []
  for (const { name: event, ts, dur, args } of nodes) {
    while (open.length > 0 && ts >= open[open.length - 1].end) open.pop()
    const name = event.slice(0, -SUFFIX.length)
    const parent = open.at(-1)
    const run = { name, opType: args?.op_name ?? '', selfUs: dur, outer: open[0]?.run.outer ?? name }
    if (parent) parent.run.selfUs -= dur
    found.push(run)
    if (nodesWithBodies.has(bodyKey(name, run.opType)) || nodesWithBodies.has(bodyKey('', run.opType)))
      open.push({ end: ts + dur, run })
  }
  return found
}
