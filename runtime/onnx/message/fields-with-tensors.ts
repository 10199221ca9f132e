/** The messages that lie on the way to a tensor. */
export type Kind = 'model' | 'training' | 'graph' | 'node' | 'attribute' | 'tensor' | 'sparse' | 'function'

/** By message and field number: the kind of message that the field holds. No other field leads to a tensor. */
export const children: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  function: { 7: 'node', 11: 'attribute' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: {},
}

/** Where a tensor's elements lie in a file that was read: in place of the bytes themselves. */
export type PayloadField = 'raw_data' | 'float_data' | 'double_data'

/** Packed little-endian payloads of a TensorProto, which onnxruntime can map where they lie, by field number. */
export const payloads: Readonly<Record<number, PayloadField>> = { 9: 'raw_data', 4: 'float_data', 10: 'double_data' }

/** Payloads up to this size stay in the message: names, shapes, small constants. */
export const KEPT_BYTES = 1024

/** external_data entries that mark a payload which was cut from the message. They are never written to a file. */
export const FIELD_KEY = 'onnsight.field'
/** The data_location that stood beside it, if one did. */
export const LOCATION_FIELD_KEY = 'onnsight.data_location'
/** Ends the entries of external data as they were written: its value is their location, and what follows it was added. */
export const WRITTEN_LOCATION_KEY = 'onnsight.location'
