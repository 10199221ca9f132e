import { externalEntry } from '../../onnx/message/external-data.ts'
import { readTensorBytes } from '../../onnx/message/tensor-value.ts'
import type { WeightPart } from './provider.ts'
import { relocate } from './relocate.ts'
import type { WeightPreparation } from './weights.ts'

/** Makes each initializer a file of its own, whose bytes are passed to a session. WebAssembly can't map files. */
export const copiedWeights: WeightPreparation = tensors => ({
  prepare(names) {
    const parts: WeightPart[] = []
    const found = [...names].map((name, i) => {
      const own = tensors.get(name)
      if (!own) throw new Error(`No initializer is called ${name}.`)
      if (externalEntry(own, 'location') === undefined)
        return relocate(own, name, () => ({ location: '', offset: '0' }))
      const location = `weight-${i}`
      const bytes = Number(externalEntry(own, 'length') ?? 0)
      parts.push({ location, bytes, read: () => readTensorBytes(own) })
      return relocate(own, name, () => ({ location, offset: '0' }))
    })
    return { tensors: found, folder: undefined, parts }
  },
})
