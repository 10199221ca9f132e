import { recordOne, type Tensor } from '../tensor.ts'

export const elementwise = {
  tanh(this: Tensor): Tensor {
    return recordOne('Tanh', [this], { type: this.type, dims: this.dims })
  },
}
