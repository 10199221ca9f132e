import { readTensorBytes } from '../../onnx/message/tensor-value.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import { arrayConstructor, isHeld } from '../../tensor/dtypes/dtype.ts'
import type { Program } from '../blocks/program.ts'
import { assemble, fetchName } from '../sessions/assemble.ts'
import type { Provider } from '../sessions/provider.ts'

/** Reads a weight's elements from its file. onnxruntime casts those of a type that JavaScript can't hold to a wider one. */
export async function weightValue(program: Program, provider: Provider, name: string): Promise<TensorData> {
  const tensor = program.weights.get(name)!
  const type = program.typeOf(name)
  if (!type || !isHeld(type) || type === 'string') return throughSession(program, provider, name)
  const bytes = await readTensorBytes(tensor)
  const Elements = arrayConstructor(type)
  const data = new Elements(
    bytes.buffer as ArrayBuffer,
    bytes.byteOffset,
    bytes.byteLength / Elements.BYTES_PER_ELEMENT,
  )
  return { type, dims: tensor.dims.map(Number), data }
}

async function throughSession(program: Program, provider: Provider, name: string): Promise<TensorData> {
  const type = program.typeOf(name)
  const assembly = { nodes: [], inputs: [], outputs: [{ name, type }], initializers: [name] }
  const session = await provider.create(assemble(assembly, program.weights, program.opsets), {
    prepack: false,
    optimize: 'disabled',
  })
  try {
    const fetched = fetchName(name, type)
    return (await session.run({}, [fetched]))[fetched]
  } finally {
    await session.release()
  }
}
