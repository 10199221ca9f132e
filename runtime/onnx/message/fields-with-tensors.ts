/** The kinds of messages that can contain a tensor. */
export type Kind = 'model' | 'training' | 'graph' | 'node' | 'attribute' | 'tensor' | 'sparse' | 'function'

/** The kind of message in a field, by the outer message and the field's number. No other field contains tensors. */
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

/** The field that a tensor's payload was cut from. */
export type PayloadField = 'raw_data' | 'float_data' | 'double_data'

/** Packed little-endian payloads of a TensorProto, which onnxruntime can map from the file, by field number. */
export const payloads: Readonly<Record<number, PayloadField>> = { 9: 'raw_data', 4: 'float_data', 10: 'double_data' }

/** Payloads up to this size stay in the message: names, shapes, small constants. */
export const KEPT_BYTES = 1024

/** external_data entries that mark a payload which was cut from the message. They are never written to a file. */
export const FIELD_KEY = 'onnsight.field'
/** The data_location field that the file had beside the payload, if any. */
export const LOCATION_FIELD_KEY = 'onnsight.data_location'
/** The first entry that was added to external data when the file was read. Its value is the location as written in the file. */
export const WRITTEN_LOCATION_KEY = 'onnsight.location'
