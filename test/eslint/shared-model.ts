import { load } from 'onnsight'

export const model = await load('examples/models/chars.onnx')
