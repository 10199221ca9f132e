import type { Tensor } from '../../runtime/tensor/tensor.ts'

/** Tensors by name, or the path of a safetensors file, which Node reads. */
export type TensorsSource = string | Readonly<Record<string, Tensor>>

/** @throws InvalidTensorsFileError */
export async function tensorsOf(source: TensorsSource): Promise<Readonly<Record<string, Tensor>>> {
  if (typeof source !== 'string') return source
  // It is imported only when a path is given, because browsers have no files.
  const { readSafetensors } = await import('../../runtime/tensor-files/safetensors.ts')
  return readSafetensors(source)
}
