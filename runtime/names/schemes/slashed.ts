import { joinScope, splitScope } from './classic.ts'
import type { NamingScheme } from './scheme.ts'

/** Scopes that tf2onnx puts before a model's own. */
const WRAPPER = /^(StatefulPartitionedCall|PartitionedCall|functional_\d+|sequential(_\d+)?|model(_\d+)?)$/

/** tf2onnx and Keras: `StatefulPartitionedCall/model/dense/MatMul`. */
export const slashed: NamingScheme = {
  name: 'slashed',
  scopeOf({ name }) {
    const parts = name.split('/').slice(0, -1)
    if (parts.length === 0 || parts[0] === '') return undefined
    const from = parts.findIndex(part => !WRAPPER.test(part))
    return { path: splitScope(from < 0 ? [] : parts.slice(from)) }
  },
  placeIn(path, name, sibling) {
    return { name: [...(sibling ? sibling.name.split('/').slice(0, -1) : joinScope(path)), name].join('/') }
  },
}
