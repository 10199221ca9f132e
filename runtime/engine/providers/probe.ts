import { create } from '@bufbuild/protobuf'
import { NodeProtoSchema } from '../../onnx/schema/onnx_pb.ts'
import { assemble } from '../sessions/assemble.ts'
import type { SessionModel } from '../sessions/provider.ts'

/** A graph of one Identity node. */
export function probeModel(): SessionModel {
  const node = create(NodeProtoSchema, { opType: 'Identity', input: ['x'], output: ['y'] })
  const edge = (name: string) => ({ name, type: 'float32' as const, dims: [1] })
  return assemble({ nodes: [node], inputs: [edge('x')], outputs: [edge('y')], initializers: [] }, undefined, {
    opsets: new Map([['', 21]]),
    irVersion: 10,
  })
}
