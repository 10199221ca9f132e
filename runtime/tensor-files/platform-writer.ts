import { installed } from '../errors/installed.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Writes tensors to a safetensors file. */
export type TensorWriter = (path: string, tensors: Readonly<Record<string, Tensor>>) => Promise<void>

let writer: TensorWriter | undefined

/** Called once by the platform's entry point, because a browser has no files to write. */
export function useTensorWriter(chosen: TensorWriter): void {
  writer = chosen
}

export function writeTensors(path: string, tensors: Readonly<Record<string, Tensor>>): Promise<void> {
  return installed(writer)(path, tensors)
}
