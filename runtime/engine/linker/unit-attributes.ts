import { Attributes } from '../../onnx/expansions/attributes.ts'
import { emitNode } from '../sessions/emit.ts'
import type { Unit } from './unit.ts'

/** The attributes of a unit, of the model or recorded. */
export function attributesOf({ operation, node }: Unit): Attributes {
  return new Attributes(operation ? emitNode(operation, '', [], []) : node!.proto)
}
