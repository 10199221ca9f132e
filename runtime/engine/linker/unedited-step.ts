import type { Program } from '../blocks/program.ts'
import { feedName, fetchName } from '../sessions/assemble.ts'
import { needPacking } from '../sessions/packed-kernels.ts'
import type { KeptOutput, Step } from './plan.ts'
import type { Unedited } from './session-runs.ts'

/** The step that runs an unedited block or group. `origin` identifies the sessions behind its values; undefined if none may be kept. */
export function uneditedStep(
  program: Program,
  { part, blocks, group, feeds }: Unedited,
  outputs: readonly string[],
  dropped: readonly string[],
  origin: string | undefined,
): Step {
  return {
    kind: 'block',
    block: blocks[0],
    group,
    label: part.label,
    inputs: part.inputs.map(name => [feedName(name, program.typeOf(name)), feeds.get(name) ?? name]),
    outputs: outputs.map(name => [fetchName(name, program.typeOf(name)), name]),
    key: `${program.id} block ${blocks[0]}`,
    rebuild:
      group === undefined
        ? {
            model: () => program.partModel(part),
            weightBytes: program.externalBytes(part),
            packedBytes: program.packedBytes(part),
            prepack: needPacking(part.nodes),
          }
        : undefined,
    nodeCount: part.nodes.length,
    expressions: [],
    dropped,
    kept: origin === undefined ? undefined : keptOf(program, outputs, origin),
  }
}

/** The outputs that later blocks read, which are worth keeping for the same inputs. */
function keptOf(program: Program, outputs: readonly string[], origin: string): KeptOutput[] {
  return outputs.filter(id => program.isBetweenBlocks(id)).map(id => ({ id, origin, from: program.inputsOf(id) }))
}
